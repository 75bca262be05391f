"""A peer beside kwippy: the same pages, people and kwips on another microblog. By hand, see README.md."""

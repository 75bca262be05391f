"""What the site reports about itself: logs, metrics, health, Server-Timing, error mail."""

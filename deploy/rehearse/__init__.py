"""`make rehearse`: runs docker-compose.yml from the first start to a restore, and checks the guide.

It needs a Docker engine, the images, and only Python's standard library. Its containers, volumes and images
have names of their own; it removes them at the end, also after a failure.
"""

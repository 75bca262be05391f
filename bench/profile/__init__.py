"""Profile: the instructions of one page by part, and where its time goes as a flame graph.

``make profile PAGE=/everyone/`` makes the request of an anonymous visitor and that of a member, in one
process with one thread, on a small community. It runs twice: under callgrind, which counts instructions; then
with a timer that looks at the Python stack after each millisecond of CPU time. Neither sees the kernel,
PostgreSQL and memcached. A boundary between two parts costs some hundred instructions itself.

    parts.py     where one part of a request ends and another begins
    driver.py    the process that is observed
    flame.py     samples as an SVG

Read in this order: this file, `parts.py`, `driver.py`, `flame.py`.
"""

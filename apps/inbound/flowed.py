"""``format=flowed`` (RFC 3676): a line that ends in a space goes on in the next."""

_SIGNATURE = "-- "


def joined(text: str, *, delete_space: bool = False) -> str:
    """The text with its paragraphs in one line each. Only lines of the same depth of quoting are joined."""
    paragraphs: list[list[str]] = []
    depth_before, is_open = 0, False
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")  # it was stuffed
        flows = content.endswith(" ") and content != _SIGNATURE
        kept = content[:-1] if flows and delete_space else content
        if is_open and depth == depth_before and content != _SIGNATURE:
            paragraphs[-1].append(kept)
        else:
            paragraphs.append([">" * depth + " " * bool(depth) + kept])
        depth_before, is_open = depth, flows
    return "\n".join("".join(parts) for parts in paragraphs)

"""An operator at a terminal, who types the lines of the documents in a checkout."""

import os
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.rehearse import manual
from deploy.rehearse.stack import RehearsalError, Stack

# A program without output for this long is waiting for input.
SILENT_SECONDS = 600.0
# Each prompt of a program, and the answer.
Answers = Sequence[tuple[str, str]]


class Operator:
    """Types into a shell in the folder ``place``; ``typed`` holds the lines typed so far."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.place = stack.place
        self.typed: set[manual.Line] = set()

    def follow(
        self,
        section: str,
        document: Path = manual.GUIDE,
        *,
        only: str = "",
        answers: Answers = (),
        names: dict[str, str] | None = None,
    ) -> str:
        """Types a section's lines in order, or those that begin with ``only``; returns the output.

        ``names`` fills in the words in capitals; a setting is written to `.env`. Raises
        RehearsalError for a line that fails.
        """
        found = [line for line in manual.section(document, section) if line.text.startswith(only)]
        if not found:
            raise RehearsalError(f"{document.name} has no line {only!r} under {section!r}")
        shown = ""
        for line in found:
            self.typed.add(line)
            if line.text in manual.NOT_REHEARSED:
                continue
            if setting := manual.SETTING.match(line.text):
                self.set(**{setting[1]: (names or {}).get(setting[1], setting[2])})
            else:
                shown += self.type(manual.command_of(line.text, names or {}), answers)
        return shown

    def set(self, **values: str) -> None:
        self.stack.set(self.place, **values)

    def type(self, line: str, answers: Answers = ()) -> str:
        """Types one line and answers its prompts. Raises RehearsalError if it fails."""
        if self.stack.command != ["docker-compose"]:
            # The guide allows either command.
            line = line.replace("docker-compose ", "docker compose ")
        place = self.stack.place / "place"
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            ["bash", "-c", f"{line}\ncode=$?; pwd >{place}; exit $code"],
            cwd=self.place,
            env=self.stack.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            shown = converse(ours, answers)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            os.close(ours)
        if process.wait() != 0:
            words = "\n".join(shown.splitlines()[-30:])
            raise RehearsalError(f"{line!r} ended with {process.returncode}:\n{words}")
        self.place = Path(place.read_text().strip())
        return shown

    def missed(self) -> list[str]:
        """The lines of the guide that were not typed."""
        return [line.text for line in manual.lines(manual.GUIDE) if line not in self.typed]


def converse(terminal: int, answers: Answers) -> str:
    """Reads the output until the program ends, and answers each prompt when it appears."""
    shown, seen, left = "", 0, list(answers)
    while True:
        if not select.select([terminal], [], [], SILENT_SECONDS)[0]:
            raise RehearsalError(f"no more output after:\n{shown[-1000:]}")
        try:
            data = os.read(terminal, 65536)
        except OSError:  # every process that had it open has ended
            return shown
        if not data:
            return shown
        shown += data.decode("utf-8", "replace")
        while left and (at := shown.find(left[0][0], seen)) >= 0:
            question, answer = left.pop(0)
            seen = at + len(question)
            os.write(terminal, f"{answer}\n".encode())

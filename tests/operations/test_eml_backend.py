"""Mail as files."""

import os
import stat
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, InvalidMailer, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.test import override_settings


def mailer(**options: Any) -> BaseEmailBackend:
    with override_settings(
        MAILERS={"default": {"BACKEND": "kwippy.eml_backend.EmlFileBackend", "OPTIONS": options}}
    ):
        return mailers.default


def message(subject: str = "hello", **fields: Any) -> EmailMessage:
    return EmailMessage(subject, "a body\n.\n", "kwippy@example.org", ["ann@example.org"], **fields)


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def test_each_message_becomes_one_file_that_a_mail_program_reads(tmp_path: Path) -> None:
    mail = EmailMultiAlternatives("grüße", "text ♥", "kwippy@example.org", ["ann@example.org"])
    mail.attach_alternative("<p>html ♥</p>", "text/html")
    assert mailer(directory=tmp_path).send_messages([mail]) == 1
    (file,) = files(tmp_path)
    read = message_from_bytes(file.read_bytes(), policy=policy.default)
    text = read.get_body(("plain",))
    assert file.suffix == ".eml"
    assert read["Subject"] == "grüße"
    assert text is not None
    assert text.get_content().strip() == "text ♥"


def test_a_file_holds_the_bytes_that_smtp_would_send(tmp_path: Path) -> None:
    mail = message(bcc=["secret@example.org"])
    mailer(directory=tmp_path).send_messages([mail])
    content = files(tmp_path)[0].read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert b"secret@example.org" not in content


def test_names_sort_in_the_order_the_messages_were_sent(tmp_path: Path) -> None:
    backend = mailer(directory=tmp_path)
    subjects = [f"number {number}" for number in range(30)]
    for subject in subjects:
        backend.send_messages([message(subject)])
    read = [message_from_bytes(file.read_bytes())["Subject"] for file in files(tmp_path)]
    assert read == subjects


def test_a_message_without_recipients_is_not_written(tmp_path: Path) -> None:
    nobody = EmailMessage("hello", "body", "kwippy@example.org", [])
    assert mailer(directory=tmp_path).send_messages([nobody]) == 0
    assert files(tmp_path) == []


def test_the_directory_is_created_if_it_is_absent(tmp_path: Path) -> None:
    mailer(directory=tmp_path / "a" / "b").send_messages([message()])
    assert len(files(tmp_path / "a" / "b")) == 1


def test_a_file_that_could_not_be_finished_does_not_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        mailer(directory=tmp_path).send_messages([message()])
    assert files(tmp_path) == []


def test_a_file_in_the_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "mail").touch(stat.S_IRUSR)
    with pytest.raises(InvalidMailer, match="can't be used"):
        mailer(directory=tmp_path / "mail")


def test_a_missing_directory_option_is_named() -> None:
    with pytest.raises(InvalidMailer, match="must define 'directory'"):
        mailer()


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidMailer, match="folder"):
        mailer(directory=tmp_path, folder="x")

"""An authenticator in Python (P-256, no attestation): what a browser would send."""

import hashlib
import json
import os
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils.http import int_to_base36
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

ORIGIN, RP_ID = "http://localhost:8000", "localhost"


class SoftToken:
    def __init__(self, user_id: int | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(16)
        self.handle = websafe_encode(int_to_base36(user_id).encode()) if user_id is not None else ""

    def register(self, options: dict[str, Any], *, is_verified: bool = True) -> dict[str, Any]:
        self.handle = options["user"]["id"]
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = _data(RP_ID, 0x41 | 0x04 * is_verified) + attested
        answer = {
            "clientDataJSON": websafe_encode(_client_data("webauthn.create", options["challenge"], ORIGIN)),
            "attestationObject": websafe_encode(
                cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
            ),
        }
        return self._credential(answer) | {"clientExtensionResults": {"credProps": {"rk": is_verified}}}

    def sign(
        self,
        options: dict[str, Any],
        *,
        origin: str = ORIGIN,
        rp_id: str = RP_ID,
        kind: str = "webauthn.get",
        challenge: str = "",
        is_verified: bool = True,
        is_present: bool = True,
        breaks: bool = False,
    ) -> dict[str, Any]:
        client_data = _client_data(kind, challenge or options["challenge"], origin)
        data = _data(rp_id, 0x01 * is_present | 0x04 * is_verified)
        signed = data + hashlib.sha256(client_data).digest() + b"." * breaks
        answer = {
            "clientDataJSON": websafe_encode(client_data),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": self.handle,
        }
        return self._credential(answer) | {"clientExtensionResults": {}}

    def _credential(self, answer: dict[str, str]) -> dict[str, Any]:
        name = websafe_encode(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": answer}


def _data(rp_id: str, flags: int) -> bytes:
    return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, 0)


def _client_data(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

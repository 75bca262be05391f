/* kwippy: solves a puzzle (apps/puzzles), in a thread of its own. */
async function solve({ puzzle, parts, bits, rounds }) {
  const bytes = (text) => new TextEncoder().encode(text);
  const key = await crypto.subtle.importKey("raw", bytes(puzzle), "PBKDF2", false, ["deriveBits"]);
  const found = [];
  for (let part = 0; part < parts; part++) {
    for (let number = 0; found.length === part; number++) {
      const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(`${part}.${number}`), iterations: rounds };
      const hash = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
      if (hash[0] >> (8 - bits) === 0) found.push(number);
    }
  }
  return found.join(".");
}

onmessage = async ({ data }) => postMessage(await solve(data).catch(() => ""));

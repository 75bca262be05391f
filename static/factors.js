/* Passkeys, and the print button of recovery codes. Pages that need it load it; without it their forms stay
   hidden. */
(() => {
  "use strict";

  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  // What the server sent as text, as the bytes that the browser takes.
  function decoded({ publicKey }, alone) {
    const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
    if (!options.user) return { ...options, allowCredentials: known(options.allowCredentials) };
    return {
      ...options,
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
      authenticatorSelection: {
        residentKey: alone ? "required" : "discouraged",
        requireResidentKey: alone,
        userVerification: alone ? "required" : "preferred",
      },
    };
  }

  // What the browser answers, as the text that the server takes.
  function encoded({ id, rawId, type, response }, extensions) {
    const answer = { clientDataJSON: text(response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[part]) answer[part] = text(response[part]);
    }
    return JSON.stringify({
      id, rawId: text(rawId), type, response: answer, clientExtensionResults: extensions,
    });
  }

  async function options(form) {
    const inPage = form.querySelector("script");
    if (inPage) return JSON.parse(inPage.textContent);
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    const sent = await answer.json();
    if (!answer.ok) throw new Error(sent.error);
    return sent;
  }

  async function ask(form) {
    const { creation_options: create, request_options: get } = await options(form);
    const alone = Boolean(form.elements.passwordless?.checked);
    const credential = create
      ? await navigator.credentials.create({ publicKey: decoded(create, alone) })
      : await navigator.credentials.get({ publicKey: decoded(get, alone) });
    return encoded(credential, credential.getClientExtensionResults());
  }

  async function send(form) {
    const button = form.querySelector("button");
    const failed = form.querySelector("[data-failed]");
    button.disabled = true;
    failed.hidden = true;
    try {
      form.elements.credential.value = await ask(form);
      HTMLFormElement.prototype.submit.call(form);
    } catch {
      // The browser does not say why: nobody answered, or there is no passkey.
      button.disabled = false;
      failed.hidden = false;
    }
  }

  if (window.PublicKeyCredential) {
    for (const form of document.querySelectorAll("form[data-passkey]")) {
      form.hidden = false;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        send(form);
      });
      form.querySelector("button[type=button]")?.addEventListener("click", () => send(form));
    }
    for (const note of document.querySelectorAll("[data-no-passkey]")) note.hidden = true;
  }

  for (const button of document.querySelectorAll("button[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();

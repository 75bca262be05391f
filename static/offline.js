/* kwippy: the page that the service worker shows while the network is away, with the words that were being sent. */
(() => {
  "use strict";

  // null: a page was asked for. Without fields: a form was sent that had no text.
  const held = JSON.parse(document.getElementById("held").textContent);
  const [again, words, said] = ["again", "words", "said"].map((id) => document.getElementById(id));
  if (!held) return addEventListener("online", () => location.reload());
  // Many addresses take forms alone: back to the page that had this one.
  again.href = document.referrer || "/";
  if (!held.fields.length) return;

  const form = words.querySelector("form");
  const area = document.getElementById("kept");
  // `drafts.js` wrote who sent it, in this tab. Unknown: the token of the form decides.
  const stored = (work) => { try { return work(); } catch { return null; } };
  const sender = /^draft:([^:]*):/.exec(stored(() => sessionStorage.getItem("sent")) || "")?.[1];
  const say = (name) => { said.textContent = said.dataset[name]; };

  let isSending = false;
  form.action = held.action;
  for (const [name, value] of held.fields) {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
    form.append(field);
    if (name === "text") area.value = value;
  }
  again.hidden = true;
  words.hidden = false;

  /* The token is renewed for the same person; the form key is not, so that nothing is said twice. */
  async function renew() {
    const page = new DOMParser().parseFromString(await (await fetch("/kwip/")).text(), "text/html");
    const token = page.querySelector("[name=csrfmiddlewaretoken]");
    if ((page.body.dataset.viewer || "") !== sender) return false;
    if (token) form.querySelector("[name=csrfmiddlewaretoken]").value = token.value;
    return true;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    try {
      if (sender === undefined || (await renew())) return form.submit();
      say("other");
    } catch {
      say("away");
    }
    isSending = false;
  });
  document.getElementById("copy").addEventListener("click", async () => {
    area.select();
    try {
      await navigator.clipboard.writeText(area.value);
      say("copied");
    } catch { /* selected, to be copied by hand */ }
  });
  addEventListener("online", () => say("back"));
  // Another tab signed out, or somebody else in: these words are not for them.
  addEventListener("storage", ({ key, newValue }) => {
    if (key === "viewer" && sender !== undefined && newValue !== sender) location.replace("/");
  });
})();

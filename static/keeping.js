/* kwippy: keeps what is being written on the server, while one writes. It is served behind `mentions.js`, with the
   first text area that one enters. Without this file the button keeps it, and this browser does (`drafts.js`). */
(() => {
  "use strict";

  const { all, say, door } = kwippy;
  const PAUSE = 2000; // milliseconds without a change until it is kept
  const SPAN = 10000; // the least between two times
  const OF_THE_FORM = ["csrfmiddlewaretoken", "form_key", "draft"];
  const LEAVING = 60000; // bytes that a browser sends for a page that it leaves

  function attach(form) {
    const { draft, form_key: key, text } = form.elements;
    const note = document.createElement("p");
    const fields = () => [...new FormData(form)].filter(([, value]) => typeof value === "string");
    const content = () => JSON.stringify(fields().filter(([name]) => !OF_THE_FORM.includes(name)));
    // Typed while this file came, or brought back by this browser.
    const isAsItCame = [...form.elements].every((field) =>
      (field.value || "") === (field.defaultValue || "") && (field.checked || false) === (field.defaultChecked || false)
      || field.matches("button, [type=submit], [type=hidden]"));
    // What the server has, and its version there.
    let [known, version] = [draft.value && isAsItCame ? content() : "", Number(draft.value)];
    let [timer, last, sending] = [0, 0, null];
    // This file may come after the form was sent.
    let over = Boolean(kwippy.hasSent);

    note.className = "kept-note";

    function later() {
      clearTimeout(timer);
      if (!over) timer = setTimeout(save, Math.max(PAUSE, last + SPAN - Date.now()));
    }

    async function save(leaving = false) {
      clearTimeout(timer);
      const now = content();
      if (over || now === known || !text.value.trim()) return;
      if (sending) return leaving || later();
      const body = new URLSearchParams(fields());
      if (leaving && body.toString().length > LEAVING) return;
      // A page that is left does not hear the answer. The server takes a version that is one too many.
      version = version || Number(draft.value);
      draft.value = version + 1;
      form.dispatchEvent(new Event("kept"));
      last = Date.now();
      sending = new AbortController();
      try {
        const headers = { Accept: "application/json" };
        const options = { method: "POST", body, headers, keepalive: leaving, signal: sending.signal };
        const response = await fetch("/drafts/keep/", options);
        const answer = await response.json();
        if (response.ok) taken(answer, now);
        else refused(response, answer);
      } catch { /* away for a moment: this browser has it */ }
      sending = null;
      if (content() !== known) later();
    }

    function taken(answer, now) {
      known = now;
      if (!answer.key) return;
      if (answer.key !== key.value) say(answer.said, true);
      [key.value, version] = [answer.key, answer.version];
      draft.value = version;
      form.dispatchEvent(new Event("kept"));
      note.textContent = answer.said;
      form.append(note);
    }

    function refused({ status }, answer) {
      draft.value = version || "";
      form.dispatchEvent(new Event("kept"));
      if (status === 429 || status >= 500) return last = Date.now() + 5 * SPAN;
      over = true;
      if (answer.error) say(answer.error, true, answer.link && door(answer.link));
    }

    const changed = () => { note.remove(); later(); };
    form.addEventListener("input", changed);
    form.addEventListener("submit", () => {
      over = true;
      clearTimeout(timer);
      sending?.abort();
    });
    // A page that a form was sent from is loaded anew; its words are not kept on the way.
    addEventListener("pageshow", ({ persisted }) => { if (persisted && !kwippy.hasSent) over = false; });
    addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(true); });
    if (text.value.trim() && content() !== known) later();
  }

  all(".keeping").forEach((row) => attach(row.closest("form")));
})();

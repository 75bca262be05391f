/* kwippy: drafts. Without this file what is typed goes with the page. */
(() => {
  "use strict";

  const { viewer, live, all, say, kept, keep, stored, here, tab } = kwippy;

  /* Drafts: of what is typed into a form, in this browser, per person, form and tab. They go when the server took
     them, and never before: the page after a form was taken is one that a redirect led to.
     A key is "draft:person:path:tab"; a value has the fields, and what they were when the page came. */
  const shelf = viewer ? here : tab;  // a visitor's go with the tab: the browser may be a shared one
  const draftPath = (form) => `draft:${viewer}:${form.dataset.draft || new URL(form.action).pathname}:`;
  const typedInto = (form) => [...form.elements].filter((field) =>
    field.name && !field.readOnly && field.matches("textarea, input[type=text], input[type=email], input:not([type])"));
  // Words that were taken back are in the form, and nowhere else.
  const came = (field) => ("returned" in field.form.dataset && field.matches("textarea") ? "" : field.defaultValue);

  // Not held longer than the page is looked at: else the next page of the tab would find its name taken.
  const locked = (name) => new Promise((done) => {
    if (!navigator.locks) return done(false);
    navigator.locks.request(`tab:${name}`, { ifAvailable: true }, (lock) => {
      done(Boolean(lock));
      return lock && new Promise((free) => addEventListener("pagehide", free, { once: true }));
    });
  });

  /* The name of this tab, under a lock that other tabs can see and that goes with it; a tab that was duplicated
     finds its name taken. Without locks (not over TLS) each draft counts as left behind. */
  async function nameOfTab() {
    let name = kept(tab, "tab");
    if (name && !navigator.locks) return name;
    // A page that is being left holds its lock a moment longer.
    for (let tries = 0; name && tries < 10; tries++) {
      if (await locked(name)) return name;
      await new Promise((done) => setTimeout(done, 50));
    }
    name = crypto.getRandomValues(new Uint32Array(2)).join("-");
    keep(tab, "tab", name);
    await locked(name);
    return name;
  }

  /* Of this tab, or the newest that was left behind by one that is closed. */
  async function draftFor(form, name) {
    const path = draftPath(form);
    const keys = stored(() => Object.keys(window[shelf]).filter((key) => key.startsWith(path))) || [];
    if (keys.includes(path + name)) return path + name;
    const held = navigator.locks ? (await navigator.locks.query()).held.map((lock) => lock.name) : [];
    const left = keys.filter((key) => !held.includes(`tab:${key.slice(path.length)}`));
    const age = (key) => read(key)?.at || 0;
    return left.sort((one, other) => age(other) - age(one))[0];
  }

  const read = (key) => stored(() => JSON.parse(window[shelf].getItem(key))) || null;

  function forgetWhatWasTaken() {
    const sent = kept(tab, "sent");
    keep(tab, "sent", "");
    const [arrival] = performance.getEntriesByType("navigation");
    const taken = arrival && arrival.type === "navigate" && arrival.redirectCount > 0;
    if (sent.startsWith(`draft:${viewer}:`) && taken && !document.querySelector(".sorry:not([data-taken])")) keep(shelf, sent, "");
  }

  async function keepDraft(form, name) {
    const key = draftPath(form) + name;
    const fields = typedInto(form);
    const from = Object.fromEntries(fields.map((field) => [field.name, came(field)]));
    const save = () => {
      const changed = fields.some((field) => field.value !== came(field));
      const typed = Object.fromEntries(fields.map((field) => [field.name, field.value]));
      keep(shelf, key, changed ? JSON.stringify({ typed, from, at: Date.now(), own: own().map((field) => field.value) }) : "");
    };
    // Of the draft on the server: the restored words are the same one.
    const own = () => ["form_key", "draft"].map((name) => form.elements[name]).filter(Boolean);
    form.addEventListener("input", save);
    form.addEventListener("kept", save);
    form.addEventListener("submit", () => {
      save();
      if (!kwippy.inPlace?.(form)) keep(tab, "sent", key);
    });
    // A form that came back with what was typed in it has all there is.
    if ("returned" in form.dataset) return save();
    if (form.querySelector("[aria-invalid=true], [role=alert]")) return;
    const found = await draftFor(form, name);
    const draft = found && read(found);
    // Not over a text that was changed elsewhere since, nor over what was typed while we looked.
    const same = draft && fields.every((field) => field.value === came(field) && draft.from[field.name] === came(field));
    if (!same) return;
    for (const field of fields) field.value = draft.typed[field.name] ?? field.value;
    own().forEach((field, index) => { if (draft.own?.[1]) field.value = draft.own[index]; });
    if (found !== key) keep(shelf, found, "");
    save();
    for (const field of fields) field.dispatchEvent(new Event("change", { bubbles: true }));
    say(live.dataset.draft);
  }

  forgetWhatWasTaken();
  if (document.querySelector("form[data-draft]")) {
    nameOfTab().then((name) => {
      all("form[data-draft]").forEach((form) => keepDraft(form, name));
      addEventListener("pageshow", (event) => event.persisted && locked(name));
    });
  }
  addEventListener("pageshow", (event) => {
    // What was sent was not taken after all.
    if (event.persisted) keep(tab, "sent", "");
  });
})();

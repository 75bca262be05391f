/* kwippy: what a page does when the browser helps. Everything works without this file. */
(() => {
  "use strict";

  const written = document.documentElement.lang || "en";
  // Of the languages that the reader has, the one that is the page's: it tells "en-GB" from "en-US".
  const language = navigator.languages?.find((one) => one.split("-")[0] === written.split("-")[0]) || written;
  const viewer = document.body.dataset.viewer || "";
  const live = document.getElementById("live");
  const all = (selector) => [...document.querySelectorAll(selector)];

  let hiding = 0;

  function say(text, failed = false, link = null) {
    // Emptied first, so that the same words are said a second time.
    live.textContent = "";
    live.className = failed ? "toast" : "sr";
    clearTimeout(hiding);
    requestAnimationFrame(() => {
      live.textContent = text || "";
      if (link) live.append(" ", link);
    });
    // A link stays until it is used, or something else is said.
    if (failed && !link) hiding = setTimeout(() => { live.className = "sr"; }, 8000);
  }

  // To the door and back to this page.
  function door({ href, label }) {
    const link = document.createElement("a");
    link.href = `${href}?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = label;
    return link;
  }

  // Storage can be full, forbidden or absent: then nothing is kept.
  const stored = (work) => { try { return work() || ""; } catch { return ""; } };
  const kept = (store, key) => stored(() => window[store].getItem(key));
  const keep = (store, key, value) =>
    stored(() => (value ? window[store].setItem(key, value) : window[store].removeItem(key)));
  const [here, tab] = ["localStorage", "sessionStorage"];

  /* Times: "3 min ago" for a week, then the date, of a kwip the day alone; the exact time of the reader's own zone on hover. */
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const compact = new Intl.NumberFormat(language, { notation: "compact" });
  const dated = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const inShort = (number) => compact.format(number).toLowerCase();
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });
  // Below a week-old kwip: the day, and the year if it is another one.
  const dayOf = (moment) => new Intl.DateTimeFormat(language, { day: "numeric", month: "short",
    year: moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric" }).format(moment);

  const [weekday, date, clock] = [{ weekday: "long" }, { dateStyle: "medium" }, { timeStyle: "short" }].map((style) =>
    new Intl.DateTimeFormat(language, style));

  // "", "yesterday, ", "tuesday, ", "13 Nov 2026, "
  function dayOf(moment) {
    const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 864e5);
    if (days < 1) return "";
    return `${days < 2 ? relative.format(-1, "day") : (days < 7 ? weekday : date).format(moment)}, `;
  }

  function tellTimes() {
    for (const time of all("time[datetime]")) {
      const moment = new Date(time.dateTime);
      const seconds = (moment - Date.now()) / 1000;
      if (Number.isNaN(seconds)) continue;
      time.title ||= exact.format(moment);
      if ("since" in time.dataset) {
        time.textContent = `${dayOf(moment)}${clock.format(moment)}`.toLocaleLowerCase(language);
        continue;
      }
      const unit = units.find(([, length]) => -seconds >= length);
      const isPast = -seconds > 7 * 86400;
      if (isPast && time.classList.contains("dt-published")) time.textContent = dayOf(moment).toLocaleLowerCase(language);
      else if (isPast || seconds > 60) time.textContent = dated.format(moment).toLocaleLowerCase(language);
      else time.textContent = unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : relative.format(0, "second");
    }
  }

  /* The time zone of this browser, where a form asks for it and has none. */
  function tellTimeZone() {
    for (const field of all("[data-time-zone]")) {
      field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone || "";
      if (field.selectedIndex === -1) field.selectedIndex = 0;  // a list without it
    }
  }

  /* Text fields grow with their text, and say how much room is left when there is little. */
  const growsByItself = CSS.supports("field-sizing", "content");

  function tend(area) {
    const limit = Number(area.dataset.limit);
    const note = area.form && area.form.querySelector(".left");
    const measure = () => {
      if (!growsByItself) area.style.height = "auto";
      if (!growsByItself) area.style.height = `${area.scrollHeight + 3}px`;
      if (!note || !limit) return;
      const left = limit - [...area.value].length;
      note.hidden = left > Math.min(2000, limit / 5);
      note.classList.toggle("over", left < 0);
      note.textContent = `${left.toLocaleString(language)} ${note.dataset.left}`;
    };
    area.addEventListener("input", measure);
    area.addEventListener("change", measure);
    measure();
  }

  /* Drafts: of what is typed into a form, in this browser, per person, form and tab. They go when the server took
     them, and never before: the page after a form was taken is one that a redirect led to.
     A key is "draft:person:path:tab"; a value has the fields, and what they were when the page came. */
  const shelf = viewer ? here : tab;  // a visitor's go with the tab: the browser may be a shared one
  const draftPath = (form) => `draft:${viewer}:${new URL(form.action).pathname}:`;
  const typedInto = (form) => [...form.elements].filter((field) =>
    field.name && !field.readOnly && field.matches("textarea, input[type=text], input[type=email], input:not([type])"));
  const came = (field) => field.defaultValue;

  /* The name of this tab, under a lock that other tabs can see and that goes with it; a tab that was duplicated
     finds its name taken. Without locks (not over TLS) each draft counts as left behind. */
  async function nameOfTab() {
    const locked = (name) => new Promise((done) => {
      navigator.locks.request(`tab:${name}`, { ifAvailable: true }, (lock) => {
        done(Boolean(lock));
        return lock && new Promise(() => {});
      });
    });
    let name = kept(tab, "tab");
    if (name && !navigator.locks) return name;
    // A page that was just left holds its lock a moment longer.
    for (let tries = 0; name && tries < 10; tries++) {
      if (await locked(name)) return name;
      await new Promise((done) => setTimeout(done, 50));
    }
    name = crypto.getRandomValues(new Uint32Array(2)).join("-");
    keep(tab, "tab", name);
    if (navigator.locks) await locked(name);
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
      keep(shelf, key, changed ? JSON.stringify({ typed, from, at: Date.now() }) : "");
    };
    form.addEventListener("input", save);
    form.addEventListener("submit", () => {
      save();
      keep(tab, "sent", key);
    });
    // A form that came back with what was typed in it has all there is.
    if (form.querySelector("[aria-invalid=true], [role=alert]")) return;
    const found = await draftFor(form, name);
    const draft = found && read(found);
    // Not over a text that was changed elsewhere since, nor over what was typed while we looked.
    const same = draft && fields.every((field) => field.value === came(field) && draft.from[field.name] === came(field));
    if (!same) return;
    for (const field of fields) field.value = draft.typed[field.name] ?? field.value;
    if (found !== key) keep(shelf, found, "");
    save();
    for (const field of fields) field.dispatchEvent(new Event("change", { bubbles: true }));
    say(live.dataset.draft);
  }

  /* Favourite and follow without leaving the page: shown at once, taken back if the server did not agree. */
  function show(button, on) {
    button.dataset.state = on ? "on" : "off";
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", on);
    if (button.dataset.onLabel) {
      button.textContent = on ? button.dataset.onLabel : button.dataset.offLabel;
      button.classList.toggle("quiet", on);
    }
    button.classList.toggle("just", on);
    const count = button.querySelector("[data-count]");
    if (count) showCount(count, Math.max(0, Number(count.dataset.count) + (on ? 1 : -1)));
    button.formAction = on ? button.dataset.off : button.dataset.on;
  }

  function showCount(count, number) {
    count.dataset.count = number;
    count.textContent = number ? inShort(number) : "";
  }

  // The numbers elsewhere on the page that a click has moved, with the word for so many.
  function move(moved) {
    for (const [what, [number, word]] of Object.entries(moved)) {
      for (const place of all(`[data-moves="${what}"]`)) {
        place.querySelector("b").textContent = inShort(number);
        place.lastChild.textContent = place.lastChild.textContent.startsWith(" ") ? ` ${word}` : word;
      }
    }
  }

  async function toggle(button) {
    const on = button.dataset.state !== "on";
    const [address, body] = [button.formAction, new FormData(button.form)];
    show(button, on);
    try {
      const response = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
      const answer = await response.json();
      if (!response.ok) throw Object.assign(new Error(answer.error), { link: answer.link });
      if ("count" in answer) showCount(button.querySelector("[data-count]"), answer.count);
      move(answer.moved || {});
      if (answer.label) button.textContent = answer.label;
      say(answer.said || (on ? button.dataset.onSaid : button.dataset.offSaid));
    } catch (error) {
      show(button, !on);
      say((error.name === "Error" && error.message) || live.dataset.failed, true, error.link && door(error.link));
    }
  }

  /* Work that takes a while: its part of the page is read again until it is done. */
  async function refresh(part) {
    let now;
    try {
      now = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html").getElementById(part.id);
    } catch { /* away for a moment */ }
    if (now && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
    if (!now || "refresh" in now.dataset) setTimeout(() => refresh(part), 2000);
  }

  /* New kwips are told of, never pushed in. */
  async function askForNews(line) {
    if (document.hidden) return;
    try {
      const { label } = await (await fetch(line.dataset.news)).json();
      if (label && line.hidden) say(label);
      line.hidden = !label;
      line.firstElementChild.textContent = label;
    } catch { /* the next time */ }
  }

  const busy = new WeakSet();

  document.addEventListener("submit", async (event) => {
    const [form, button] = [event.target, event.submitter];
    if (form.method !== "post") return;
    // Buttons that share a form are busy each for itself.
    const sender = button && "toggle" in button.dataset ? button : form;
    if (busy.has(sender)) return event.preventDefault();
    busy.add(sender);
    if (sender === button) {
      event.preventDefault();
      await toggle(button);
      return busy.delete(button);
    }
    button?.setAttribute("aria-disabled", "true");
    setTimeout(release, 8000);
  });

  function release() {
    for (const form of document.forms) busy.delete(form);
    for (const button of all("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
  // Back from the browser's memory: forms may be sent again, and what was sent was not taken after all.
  /* A menu closes by a click elsewhere, and by Escape, which goes back to what opened it. */
  const close = (menu) => { menu.open = false; };
  document.addEventListener("click", (event) =>
    all(".menu[open]").filter((menu) => !menu.contains(event.target)).forEach(close));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest(".menu[open]");
    if (!menu) return;
    close(menu);
    menu.firstElementChild.focus();
  });

  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      keep(tab, "sent", "");
      release();
    }
  });

  forgetWhatWasTaken();
  if (document.querySelector("form[data-draft]")) {
    nameOfTab().then((name) => all("form[data-draft]").forEach((form) => keepDraft(form, name)));
  }
  all("textarea:not([readonly])").forEach(tend);
  document.querySelector("[aria-invalid=true], [role=alert]")?.focus();
  if (new URLSearchParams(location.search).has("answers")) {
    const area = document.getElementById("id_text");
    // After the browser went to the comment, which takes the focus.
    addEventListener("load", () => setTimeout(() => {
      area?.focus({ preventScroll: true });
      area?.setSelectionRange(area.value.length, area.value.length);
    }));
  }
  // What the page came with is no change to a screen reader, and may be far from where the page opens.
  const told = document.querySelector("main [role=status]");
  if (told) say(told.textContent.trim());
  for (const part of all("[data-refresh]")) setTimeout(() => refresh(part), 2000);
  for (const line of all("[data-news]")) setInterval(() => askForNews(line), 60000);
  tellTimes();
  tellTimeZone();
  setInterval(tellTimes, 30000);
})();

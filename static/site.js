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

  /* Times: "3 min ago" for a week, then the day; the exact time of the reader's own zone on hover. */
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const compact = new Intl.NumberFormat(language, { notation: "compact" });
  const dated = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  // German writes nouns with capitals.
  const small = (text) => (written === "de" ? text : text.toLocaleLowerCase(language));
  const inShort = (number) => compact.format(number).toLowerCase();
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });
  // The day, and the year if it is another one.
  const dateOf = (moment) => new Intl.DateTimeFormat(language, { day: "numeric", month: "short",
    year: moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric" }).format(moment);

  const [weekday, clock] = [{ weekday: "long" }, { timeStyle: "short" }].map((style) =>
    new Intl.DateTimeFormat(language, style));

  // "", "yesterday, ", "tuesday, ", "13 Nov, "
  function dayOf(moment) {
    const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 864e5);
    if (days < 1) return "";
    if (days < 2) return `${relative.format(-1, "day")}, `;
    return `${days < 7 ? weekday.format(moment) : dateOf(moment)}, `;
  }

  function tellTimes() {
    for (const time of all("time[datetime]")) {
      const moment = new Date(time.dateTime);
      const seconds = (moment - Date.now()) / 1000;
      if (Number.isNaN(seconds)) continue;
      time.title ||= exact.format(moment);
      if ("since" in time.dataset) {
        time.textContent = small(`${dayOf(moment)}${clock.format(moment)}`);
        continue;
      }
      const unit = units.find(([, length]) => -seconds >= length);
      if (-seconds > 7 * 86400) time.textContent = small(dateOf(moment));
      else if (seconds > 60) time.textContent = small(dated.format(moment));
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

  /* Work that takes a while: its part of the page is read again until it is done. */
  async function refresh(part) {
    let now;
    try {
      now = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html").getElementById(part.id);
    } catch { /* away for a moment */ }
    if (now && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
    if (!now || "refresh" in now.dataset) setTimeout(() => refresh(part), 2000);
  }

  const busy = new WeakSet();

  document.addEventListener("submit", async (event) => {
    const [form, button] = [event.target, event.submitter];
    if (form.method !== "post") return;
    // Buttons that share a form are busy each for itself.
    const sender = button && "toggle" in button.dataset ? button : form;
    if (busy.has(sender)) return event.preventDefault();
    busy.add(sender);
    const inPlace = kwippy.inPlace?.(form, sender === button ? button : null);
    if (inPlace) {
      event.preventDefault();
      await inPlace();
      return busy.delete(sender);
    }
    kwippy.hasSent = true;
    button?.setAttribute("aria-disabled", "true");
    setTimeout(release, 8000);
  });

  function release() {
    for (const form of document.forms) busy.delete(form);
    for (const button of all("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
  // What the scripts after this one use; `inplace.js` adds what it does with a form.
  const kwippy = { viewer, live, all, say, door, kept, keep, stored, here, tab, inShort, tend, tellTimes, release };
  window.kwippy = kwippy;

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

  function load(source, then) {
    const script = document.createElement("script");
    script.src = source;
    script.onload = then;
    document.head.append(script);
  }

  const choices = document.body.dataset;

  /* What helps while one writes comes with the first text area that one enters. */
  function loadWriting({ target }) {
    if (!target?.matches?.("textarea, .compose *")) return;
    removeEventListener("focusin", loadWriting);
    load(choices.writing);
    if (document.querySelector(".pics")) load(choices.pictures);
  }
  if (viewer) {
    addEventListener("focusin", loadWriting);
    loadWriting({ target: document.activeElement });
    /* The service worker comes last, for members. It sends hearts that wait when the network is back. */
    const workers = navigator.serviceWorker;
    addEventListener("load", () => workers?.register("/sw.js").catch(() => {}));
    addEventListener("online", () => workers?.controller?.postMessage(""));
  }

  /* A picture is looked at on this page; its script comes with the first one. */
  addEventListener("click", (event) => {
    const shot = event.target.closest?.(".shot");
    if (!shot || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (kwippy.look) kwippy.look(shot);
    else load(choices.pictures, () => kwippy.look(shot));
  });

  /* What the keys do comes with the first one that is pressed. */
  const pressed = [];
  addEventListener("keydown", (event) => {
    if (kwippy.press) return kwippy.press(event);
    // The browser's own search would open before ours.
    if (event.key === "/" && choices.keys !== "off" && event.target.matches("body, a, button, article")) event.preventDefault();
    if (pressed.push(event) === 1) load(choices.keyboard, () => pressed.forEach(kwippy.press));
  });
  if (document.querySelector("[data-shortcuts]")) load(choices.keyboard);

  all("textarea:not([readonly])").forEach(tend);
  document.querySelector("[aria-invalid=true], [role=alert]")?.focus();
  if (new URLSearchParams(location.search).has("answers") || location.hash === "#comment") {
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
  tellTimes();
  tellTimeZone();
  setInterval(tellTimes, 30000);
})();

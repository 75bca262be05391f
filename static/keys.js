/* kwippy: the keyboard. `site.js` loads it with the first key that is pressed, and hands over what was pressed until then.
   `templates/_keys.html` says what each key does. */
(() => {
  "use strict";

  const { viewer, kept, keep, here } = kwippy;
  const FIELD = "input, textarea, select, [contenteditable]";
  const THING = ".kwip, .said";

  // A member's choice is kept with the account, a visitor's in this browser.
  const isOn = () => (viewer ? document.body.dataset.keys !== "off" : kept(here, "shortcuts") !== "off");
  const isShown = (element) => element.checkVisibility();
  const selected = () => document.activeElement?.closest(THING);

  function walk(step) {
    // Not those that are folded away: they take no focus.
    const things = [...document.querySelectorAll(THING)].filter(isShown);
    const next = things[Math.max(0, things.indexOf(selected()) + step)];
    if (!next) return;
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  // A link or button that has the focus does what it says.
  const open = () => document.activeElement === selected() && selected()?.querySelector(".u-uid")?.click();

  const heart = () => (selected() || document.querySelector(".kwip-whole"))?.querySelector("button.fave")?.click();

  function comment() {
    const area = document.querySelector("#comment textarea");
    if (area) return area.focus();
    // On the page of the kwip: the box, or for a visitor the way to it.
    const link = selected()?.querySelector(".kwip-foot > a[href*='#comment']");
    if (link) location.assign(link.href.replace(/#.*/, "#comment"));
  }

  function write() {
    if (!viewer) return;
    const area = document.querySelector('form[action="/kwip/"] textarea');
    area ? area.focus() : location.assign("/kwip/");
  }

  function search() {
    const field = [...document.querySelectorAll("input[type=search]")].find(isShown);
    field ? field.select() : location.assign("/search/");
  }

  let dialog = null;

  async function help() {
    const there = document.querySelector("main #keys");
    if (there) return there.scrollIntoView();
    if (!dialog) {
      const address = "/about/keys/";
      try {
        const page = await (await fetch(address)).text();
        const words = new DOMParser().parseFromString(page, "text/html").getElementById("keys");
        words.querySelector("form").hidden = false;
        dialog = document.createElement("dialog");
        dialog.setAttribute("aria-labelledby", "keys-title");
        dialog.append(...words.childNodes);
        document.body.append(dialog);
      } catch {
        return location.assign(address);
      }
    }
    // It gives the focus back to what had it.
    if (!dialog.open) dialog.showModal();
  }

  const KEYS = {
    j: () => walk(1), k: () => walk(-1), Enter: open, f: heart, c: comment, n: write, "/": search, "?": help,
  };

  // The key says what it is, whatever the layout. On one without Latin letters its place does.
  function keyOf({ key, code, shiftKey }) {
    if (/^[^\0-\x7f]$/.test(key) && code.startsWith("Key")) return code[3].toLowerCase();
    return key.length === 1 && !shiftKey ? key.toLowerCase() : key;
  }

  function press(event) {
    if (event.isComposing) return;
    const typing = event.target.closest(FIELD);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing?.form) {
      event.preventDefault();
      return typing.form.requestSubmit(typing.form.querySelector("[type=submit]:not(details *)"));
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !isOn()) return;
    if (document.querySelector("dialog[open], .menu[open]")) return;
    const key = keyOf(event);
    // A key that is held down walks on, and does nothing else again and again.
    if (!Object.hasOwn(KEYS, key) || (event.repeat && !"jk".includes(key))) return;
    if (key !== "Enter") event.preventDefault();
    KEYS[key]();
  }

  kwippy.press = press;

  // On the page about the keys, for a visitor.
  const box = document.querySelector("[data-shortcuts]");
  if (box) {
    box.parentElement.hidden = false;
    box.checked = isOn();
    box.addEventListener("change", () => keep(here, "shortcuts", box.checked ? "" : "off"));
  }
})();

/* kwippy: while one writes, completes "@na"; at the end, the face beside the text makes the first smiley, and the
   preview is shown in place.
   `site.js` loads it with the first text area that one enters. Without this file one types the whole name.
   A list box below the text, after ARIA's pattern of a list with aria-activedescendant. The text area keeps its own
   role: it has several lines, which a combobox may not have. */
(() => {
  "use strict";

  // What is before the caret: "@" that follows no letter, and the beginning of a name, or nothing yet.
  const BEGUN = /(?<![\p{L}\p{N}\p{M}_@＠.&/])[@＠]([\p{L}\p{N}\p{M}_]{0,30})$/u;
  const PAUSE = 120; // milliseconds without a key until the site is asked
  let number = 0;

  function attach(area) {
    const list = document.createElement("ul");
    const said = document.createElement("p");
    const answers = new Map(); // people by the beginning of a name, for this page
    let [people, active, timer, asked] = [[], -1, 0, ""];

    list.id = `mentions-${++number}`;
    list.className = "mentions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", area.dataset.mentions);
    list.hidden = true;
    said.className = "sr";
    said.setAttribute("role", "status");
    area.after(list, said);
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("autocomplete", "off");

    const begun = () => {
      const { selectionStart: at, selectionEnd: end } = area;
      const found = at === end && BEGUN.exec(area.value.slice(Math.max(0, at - 40), at));
      return found ? found[1] : null;
    };

    function close() {
      clearTimeout(timer);
      [people, active, asked] = [[], -1, ""];
      list.hidden = true;
      list.replaceChildren();
      said.textContent = "";
      area.removeAttribute("aria-controls");
      area.removeAttribute("aria-activedescendant");
    }

    function mark(place) {
      active = place;
      [...list.children].forEach((option, at) => option.setAttribute("aria-selected", at === active));
      const option = list.children[active];
      if (!option) return area.removeAttribute("aria-activedescendant");
      area.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }

    function picture({ picture: address, css, parts }) {
      const image = address ? new Image() : document.createElementNS("http://www.w3.org/2000/svg", "svg");
      image.setAttribute("class", `avatar avatar-s ${address ? "" : css}`);
      if (address) [image.alt, image.src] = ["", address];
      else {
        image.setAttribute("viewBox", "0 0 40 40");
        image.setAttribute("aria-hidden", "true");
        for (const part of parts) {
          const use = document.createElementNS(image.namespaceURI, "use");
          use.setAttribute("href", `#${part}`);
          image.append(use);
        }
      }
      return image;
    }

    function part(tag, css, text) {
      const element = document.createElement(tag);
      [element.className, element.textContent] = [css, text];
      return element;
    }

    function show(found, beginning) {
      const typed = beginning.normalize("NFKC").toLowerCase();
      people = found;
      list.replaceChildren(...people.map((person, at) => {
        const option = part("li", "", "");
        option.id = `${list.id}-${at}`;
        option.setAttribute("role", "option");
        const words = part("span", "", "");
        words.append(part("bdi", "name", person.name), " ", part("bdi", "handle", `@${person.username}`));
        option.append(picture(person), words);
        return option;
      }));
      list.hidden = false;
      area.setAttribute("aria-controls", list.id);
      said.textContent = area.dataset.found.replace("{n}", people.length);
      // A name that is complete needs no choice: enter is a new line.
      mark(people.some((person) => person.username === typed) ? -1 : 0);
    }

    async function ask(beginning) {
      const kwip = /\/kwip\/(\d+)\//.exec(area.form.action)?.[1] || "";
      const query = new URLSearchParams({ q: beginning, kwip });
      try {
        const response = await fetch(`/people/complete/?${query}`, { headers: { Accept: "application/json" } });
        if (!response.ok || response.redirected) return [];
        const found = (await response.json()).people;
        answers.set(beginning, found);
        return found;
      } catch {
        return [];
      }
    }

    function follow() {
      const beginning = begun();
      if (beginning === null) return close();
      if (beginning === asked && !list.hidden) return;
      clearTimeout(timer);
      asked = beginning;
      const later = async () => {
        const found = answers.get(beginning) || (await ask(beginning));
        // Not where more was typed meanwhile, or the caret went elsewhere.
        if (begun() !== beginning || document.activeElement !== area) return;
        found.length ? show(found, beginning) : close();
      };
      timer = setTimeout(later, answers.has(beginning) ? 0 : PAUSE);
    }

    function take(person) {
      const at = area.selectionStart;
      const start = at - begun().length;
      const space = area.value[at] === " " ? "" : " ";
      // As if typed: it can be undone, and the draft has it.
      area.setSelectionRange(start, at);
      const text = person.username + space;
      if (!document.execCommand?.("insertText", false, text)) {
        area.setRangeText(text, start, at, "end");
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }
      if (!space) area.setSelectionRange(start + text.length + 1, start + text.length + 1);
      close();
    }

    area.addEventListener("input", (event) => event.isComposing || follow());
    area.addEventListener("compositionend", follow);
    area.addEventListener("click", follow);
    area.addEventListener("blur", close);
    area.addEventListener("keyup", (event) => ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key) && follow());
    area.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps) {
        mark((Math.max(active, steps[event.key] < 0 ? 0 : -1) + steps[event.key] + people.length) % people.length);
      } else if (event.key === "Escape") {
        close();
      } else if (people[active] && !event.shiftKey && (event.key === "Enter" || event.key === "Tab")) {
        take(people[active]);
      } else {
        return;
      }
      event.preventDefault();
    });
    // Before the text area loses its focus.
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) take(people[[...list.children].indexOf(option)]);
    });
    // One may have typed before this file came.
    if (area === document.activeElement) follow();
  }

  document.querySelectorAll("textarea[data-mentions]").forEach(attach);
})();

/* The face beside a text area makes the first smiley that one types; `apps/accounts/faces.py` has the same rules. */
(() => {
  "use strict";

  const SMILEY = /`[^`]{1,200}`|(?:https?:\/\/|www\.)\S+|(?<![0-9_:;=\/&@#%-])(?:(?<![A-Za-z])(?:[:;=]'?-?|[8B]-|[Xx](?=[DP]))([)DPpoO\]3}|(\[c\/\\SsXx#*])\1*(?!\1)|(?<![A-Za-z])\([:;=](?![^\s.,!?])|[:;]-?\))(?![A-Za-z0-9])/g;
  const [EYES, TYPED, DRAWN] = [":;=8BX", ")DPpoO]3}|([c/\\SsXx#*", "012233457abbbcceedddf"];

  function mood(text) {
    for (const [found, mouth] of text.slice(0, 600).matchAll(SMILEY)) {
      const smiley = found.replace(/^\(+/, "").toUpperCase();
      const eyes = EYES.indexOf(smiley[0]);
      if (eyes < 0) continue; // code or an address
      return [smiley.includes("'") ? "#ea" : eyes ? `#e${eyes}` : "", `#m${DRAWN[TYPED.indexOf(mouth || ")")]}`];
    }
    return [];
  }

  function makeFace({ target }) {
    const parts = target.matches("textarea") && target.closest(":has(> svg.avatar)")?.querySelectorAll(":scope > svg.avatar > use");
    if (!parts?.length) return;
    const wanted = mood(target.value);
    let turns = false;
    [...parts].slice(0, 2).forEach((part, at) => {
      part.dataset.own ||= part.getAttribute("href");
      const drawing = wanted[at] || part.dataset.own;
      turns ||= drawing !== part.getAttribute("href");
      part.setAttribute("href", drawing);
    });
    if (!turns) return;
    // Begins anew if it is still turning.
    const face = parts[0].parentNode;
    face.classList.remove("turns");
    face.getBoundingClientRect();
    face.classList.add("turns");
  }

  document.addEventListener("input", makeFace);
  if (document.activeElement) makeFace({ target: document.activeElement });
})();

/* What a kwip will look like, above the buttons. Anything else than a preview is a page of its own. */
(() => {
  "use strict";

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[name=preview]");
    if (!button) return;
    event.preventDefault();
    const form = button.form;
    let shown;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form, button) });
      shown = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".preview");
    } catch { /* shown by the page for it */ }
    if (!shown) return form.requestSubmit(button);
    form.querySelector(".preview")?.remove();
    button.closest(".actions").before(shown);
    shown.focus({ preventScroll: true });
    shown.scrollIntoView({ block: "nearest" });
  });
})();

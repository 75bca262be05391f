/* kwippy: what happens in place, where a page would be sent whole. Without this file each is a page of its own. */
(() => {
  "use strict";

  const { viewer, live, all, say, door, kept, keep, here, tab, inShort, tend, tellTimes } = kwippy;
  const PATIENCE = 15000; // milliseconds

  /* Asks the site. What it answers instead of what was asked for is an error with its words, and a link if one helps. */
  async function ask(address, options = {}) {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      const response = await fetch(address, { ...options, signal: patience.signal });
      const text = await response.text();
      if (response.ok) return { text, address: response.url };
      let answer = {};
      try { answer = JSON.parse(text); } catch { /* a page */ }
      throw Object.assign(new Error(answer.error || ""), { link: answer.link, isSaid: true });
    } finally {
      clearTimeout(timer);
    }
  }

  const post = (address, body) => ask(address, { method: "POST", body, headers: { Accept: "application/json" } });

  const sayWhy = (error) =>
    say((error.isSaid && error.message) || live.dataset.failed, true, error.link && door(error.link));

  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  function focus(element) {
    if (!element) return;
    if (element.tabIndex < 0) element.tabIndex = -1;
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest" });
  }

  /* Buttons with two states: shown at once, taken back if the server did not agree. */
  function show(button, on) {
    button.dataset.state = on ? "on" : "off";
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", on);
    if (button.dataset.onLabel) {
      button.textContent = on ? button.dataset.onLabel : button.dataset.offLabel;
      button.classList.toggle("quiet", on || "quiet" in button.dataset);
    }
    button.formAction = on ? button.dataset.off : button.dataset.on;
  }

  const countOf = (button) => button.querySelector("[data-count]");

  function showCount(count, number) {
    if (!count) return;
    count.dataset.count = number;
    count.textContent = number ? inShort(number) : "";
  }

  // The numbers elsewhere on the page that a click has moved, with the word for so many.
  function move(moved) {
    for (const [what, [number, word]] of Object.entries(moved)) {
      for (const place of all(`[data-moves="${what}"]`)) {
        place.querySelector("b").textContent = inShort(number);
        if (word) place.lastChild.textContent = place.lastChild.textContent.startsWith(" ") ? ` ${word}` : word;
      }
    }
  }

  async function toggle(button) {
    const on = button.dataset.state !== "on";
    const [address, body, count] = [button.formAction, new FormData(button.form), countOf(button)];
    const before = Number(count?.dataset.count);
    show(button, on);
    button.classList.toggle("just", on);
    showCount(count, Math.max(0, before + (on ? 1 : -1)));
    try {
      const answer = JSON.parse((await post(address, body)).text);
      if ("count" in answer) showCount(count, answer.count);
      move(answer.moved || {});
      if (answer.label) button.textContent = answer.label;
      remember(button.dataset.on, { on, count: answer.count, label: answer.label });
      say(answer.said || (on ? button.dataset.onSaid : button.dataset.offSaid));
    } catch (error) {
      show(button, !on);
      showCount(count, before);
      sayWhy(error);
    }
  }

  /* What was pressed in this tab, for pages that "back" restores as they were before. It is of one person. */
  const pressed = () => JSON.parse(kept(tab, "pressed") || "{}");

  function remember(address, state) {
    const { [address]: _, ...others } = pressed();
    const newest = Object.entries({ ...others, [address]: { ...state, at: Date.now() } }).slice(-50);
    keep(tab, "pressed", JSON.stringify(Object.fromEntries(newest)));
  }

  function showWhatWasPressed(since) {
    for (const [address, { on, count, label, at }] of Object.entries(pressed())) {
      if (at < since) continue;
      for (const button of all(`[data-toggle][data-on="${CSS.escape(address)}"]`)) {
        show(button, on);
        if (count !== undefined) showCount(countOf(button), count);
        if (label) button.textContent = label;
      }
    }
  }

  /* Lists: kwips that the page has not yet, before its first or after its last. Returns them. Of a list by activity
     those that it has go to their new place. */
  function add(list, fresh, place, moves) {
    const cards = [];
    let [above, kwips] = [[], []];
    for (const card of fresh.querySelector(".timeline").children) {
      const kwip = card.matches(".kwip") ? card : card.querySelector(".kwip");
      above.push(card);
      if (!kwip) continue; // "shared by", above the kwip
      const there = document.getElementById(kwip.id);
      if (moves) [...list.children].find((child) => child.contains(there))?.remove();
      if (moves || !there) cards.push(...above), kwips.push(card);
      above = [];
    }
    list[place](...cards);
    tellTimes();
    return kwips;
  }

  const withPart = (address) => {
    const url = new URL(address, location.href);
    url.searchParams.set("part", "list");
    return url;
  };

  async function older(link) {
    const pager = link.closest(".pager");
    const list = pager.parentElement.querySelector(".h-feed");
    const fresh = parsed((await ask(withPart(link.href))).text);
    const [next, end] = [fresh.querySelector(".pager"), fresh.querySelector(".the-end")];
    const kwips = add(list, fresh, "append");
    // What is shown has this address: reloaded or shared, it begins with the newest part.
    history.replaceState(null, "", link.href);
    const newer = pager.querySelector("[rel=prev]");
    next.querySelector("[rel=prev]")?.remove();
    if (newer) next.prepend(newer);
    pager.replaceWith(...[next.children.length ? next : "", end || ""]);
    focus(kwips[0] || list);
    say(`${kwips.length} ${live.dataset.older}`);
  }

  /* New kwips are told of, and put on top when they are asked for. */
  async function askForNews(line) {
    if (document.hidden) return;
    try {
      const { label, more } = JSON.parse((await ask(line.dataset.news)).text);
      if (label && line.hidden) say(label);
      line.hidden = !label;
      line.dataset.more = more ? "more" : "";
      line.firstElementChild.textContent = label;
    } catch { /* the next time */ }
  }

  async function news(link) {
    const line = link.closest("[data-news]");
    const list = line.parentElement.querySelector(".h-feed");
    const fresh = parsed((await ask(withPart(line.dataset.news))).text);
    const kwips = add(list, fresh, "prepend", line.dataset.news.includes("sort="));
    line.dataset.news = fresh.querySelector("[data-news]").dataset.news;
    line.hidden = true;
    focus(kwips[0] || list);
    say(link.textContent);
  }

  /* The whole text of a kwip that a list shows the beginning of. */
  async function unfold(link) {
    const kwip = link.closest("article");
    const whole = parsed((await ask(link.dataset.fold)).text).querySelector(".kwip-text");
    kwip.querySelector(".kwip-text").replaceWith(whole);
    link.remove();
    focus(whole);
  }

  /* A comment: the conversation is read again, and the form stays as it is. */
  async function comment(form) {
    const [place, area] = [document.getElementById("comments"), form.querySelector("textarea")];
    const body = new FormData(form);
    const text = area.value;
    try {
      const { href } = JSON.parse((await post(form.action, body)).text);
      // Taken. From here on nothing may bring the words back but the person.
      if (area.value === text) area.value = "";
      area.defaultValue = "";
      for (const field of form.querySelectorAll("[name=answers]")) field.value = "";
      area.dispatchEvent(new Event("input", { bubbles: true }));
      await showComment(href, place, form);
    } catch (error) {
      sayWhy(error);
      focus(area);
    }
  }

  async function showComment(href, place, form) {
    const { text, address } = await ask(href);
    const fresh = parsed(text);
    const conversation = fresh.getElementById("comments");
    const twin = conversation.querySelector(`form[action="${form.getAttribute("action")}"]`);
    form.elements.form_key.value = twin.elements.form_key.value;
    const said = fresh.querySelector("main > [role=status]");
    if (place.contains(form)) twin.replaceWith(form);
    place.replaceChildren(...conversation.childNodes);
    if (said) (form.closest(".compose") || form).before(said);
    tellTimes();
    all(".undo").forEach(hideUndo);
    const id = `kwip-${/(\d+)\/$/.exec(href)[1]}`;
    history.replaceState(null, "", `${address}#${id}`);
    document.getElementById(id)?.scrollIntoView({ block: "nearest" });
    form.querySelector("textarea").focus({ preventScroll: true });
    say(said?.querySelector("li")?.firstChild.textContent.trim());
  }

  /* "take it back" goes after ten seconds, unless one is just about to press it. */
  function hideUndo(form) {
    if (form.dataset.timed) return;
    form.dataset.timed = "timed";
    const said = form.closest("#comments [role=status]") || form; // what a page came with stays
    const hide = () => (form.matches(":hover, :focus-within") ? setTimeout(hide, 2000) : said.remove());
    setTimeout(hide, 10000);
  }

  /* Which form and which link is answered in place. */
  kwippy.inPlace = (form, button) => {
    if (button) return () => toggle(button);
    if (!/\/kwip\/\d+\/comment\/$/.test(form.action)) return null;
    return document.getElementById("comments") ? () => comment(form) : null;
  };

  const LINKS = [
    [".h-feed ~ .pager [rel=next]", older],
    ["[data-news]:not([data-more=more]) a", news],
    ["[data-fold]", unfold],
  ];

  document.addEventListener("click", async (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    for (const [selector, load] of LINKS) {
      const link = event.target.closest?.(selector);
      if (!link) continue;
      event.preventDefault();
      if (link.ariaBusy) return;
      link.ariaBusy = "true";
      try {
        await load(link);
      } catch (error) {
        sayWhy(error);
      } finally {
        link.ariaBusy = null;
      }
    }
  });

  /* "Back" restores pages. One that was made for somebody else, or that a form was sent from, is asked for again. */
  const arrived = Date.now();
  addEventListener("pageshow", (event) => {
    const [arrival] = performance.getEntriesByType("navigation");
    const isStored = arrival?.type === "back_forward" && arrival.transferSize === 0 && viewer;
    if (event.persisted ? kept(here, "viewer") !== viewer || kwippy.hasSent : isStored) {
      document.documentElement.hidden = true;
      return location.reload();
    }
    if (event.persisted) {
      kwippy.release();
      showWhatWasPressed(arrived);
    }
  });
  keep(here, "viewer", viewer);
  if (!viewer) keep(tab, "pressed", "");
  all(".undo").forEach(hideUndo);
  for (const line of all("[data-news]")) setInterval(() => askForNews(line), 60000);
})();

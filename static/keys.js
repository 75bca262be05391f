/* kwippy: the keyboard. j and k walk through kwips, n starts one; the page about kwippy switches them off. */
(() => {
  "use strict";

  const viewer = document.body.dataset.viewer || "";

  function shortcuts() {
    try { return localStorage.getItem("shortcuts") !== "off"; } catch { return true; }
  }

  function walk(step) {
    // Not those that are folded away: they take no focus.
    const kwips = [...document.querySelectorAll(".kwip, .said")].filter((kwip) => kwip.checkVisibility());
    const at = kwips.indexOf(document.activeElement?.closest(".kwip, .said"));
    const next = kwips[Math.max(0, at + step)];
    if (!next) return;
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing?.form) {
      event.preventDefault();
      return typing.form.requestSubmit(typing.form.querySelector("[type=submit]"));
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !shortcuts()) return;
    if (event.key === "j" || event.key === "k") walk(event.key === "j" ? 1 : -1);
    if (event.key !== "n" || !viewer) return;
    event.preventDefault();
    const area = document.querySelector('form[action="/kwip/"] textarea');
    area ? area.focus() : location.assign("/kwip/");
  });

  const box = document.querySelector("[data-shortcuts]");
  if (box) {
    box.parentElement.hidden = false;
    box.checked = shortcuts();
    box.addEventListener("change", () => localStorage.setItem("shortcuts", box.checked ? "on" : "off"));
  }
})();

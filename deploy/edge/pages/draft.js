/* What was just sent and could not be taken is in this browser, where site.js keeps drafts: give it back. */
(() => {
  "use strict";
  let text = "";
  try { text = localStorage.getItem(sessionStorage.getItem("sent")) || ""; } catch { /* storage is forbidden */ }
  if (!text) return;
  const kept = document.getElementById("kept");
  kept.querySelector("textarea").value = text;
  kept.hidden = false;
})();

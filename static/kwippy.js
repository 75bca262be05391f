/* In the order in which they run. kwippy/script.py serves them as one file; this is for a server that has only the
   folder. */
for (const name of ["site.js", "inplace.js", "drafts.js"]) {
  const script = document.createElement("script");
  script.src = new URL(name, document.currentScript.src);
  script.async = false;
  document.head.append(script);
}

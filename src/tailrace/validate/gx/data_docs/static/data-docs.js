// Filters the rows of the page's tables: failed ones only, or those with a text in them.
"use strict";
const form = document.querySelector("form.filter");
if (form) {
  const rows = [...document.querySelectorAll("table.checks > tbody > tr")];
  const told = form.querySelector("[role=status]");
  const show = () => {
    const failed = form.elements.show.value === "failed";
    const text = form.elements.find.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const hidden = (failed && row.dataset.status === "pass") || !row.textContent.toLowerCase().includes(text);
      row.hidden = hidden;
      shown += hidden ? 0 : 1;
    }
    for (const section of document.querySelectorAll("main > section")) {
      const own = section.querySelectorAll("table.checks > tbody > tr");
      section.hidden = own.length > 0 && [...own].every((row) => row.hidden);
    }
    told.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show(); // a browser may bring back what was chosen
}

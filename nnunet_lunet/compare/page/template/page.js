"use strict";
// Click on a heading: sort each part of the table by this column; empty values stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const rows = [...table.tBodies].flatMap(part => [...part.rows]).filter(row => !row.classList.contains("group"));
    if (!rows.some(row => row.cells[column].hasAttribute("data-sort"))) return;
    // No <button>: Chromium leaves it out where a heading is repeated on the next sheet of paper.
    const button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.title = "Sort by this column";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      button.click();
    });
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach(other => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => row.cells[column].dataset.sort;
      for (const part of table.tBodies) {
        const sorted = [...part.rows].filter(row => !row.classList.contains("group")).sort((a, b) =>
          !key(a) || !key(b) ? !key(a) - !key(b) : (key(a) - key(b)) * (down ? -1 : 1));
        part.append(...sorted);
      }
    });
  });
}
// Paper shows everything.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(part => { part.open = true; }));

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
// Leave models out: of tables, lists and pictures their parts, and of drawings what has their id.
const filter = document.getElementById("filter");
if (filter) {
  filter.hidden = false;
  const boxes = [...filter.querySelectorAll("input")];
  const drawings = [...document.querySelectorAll("img.drawing")].map(image => ({image, source: image.src}));
  const update = () => {
    const off = boxes.filter(box => !box.checked).map(box => box.value);
    document.getElementById("shown").textContent = off.length ? `${boxes.length - off.length} of ${boxes.length}` : "all";
    for (const part of document.querySelectorAll("[data-m]")) part.hidden = off.includes(part.dataset.m);
    const rule = off.map(number => `[id=m${number}]`).join() + "{display:none}";
    for (const {image, source} of drawings) {
      const [head, content] = source.split(",");
      image.src = off.length ? `${head},${btoa(atob(content).replace(/<\/svg>\s*$/, `<style>${rule}</style></svg>`))}` : source;
    }
  };
  filter.addEventListener("change", update);
  for (const id of ["none", "all"]) document.getElementById(id).addEventListener("click", () => {
    boxes.forEach(box => { box.checked = id === "all"; });
    update();
  });
}
// A link to a case opens it.
const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  for (let part = target?.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target?.scrollIntoView();
};
addEventListener("hashchange", open);
open();
// Paper shows everything, of very many cases those that are open.
addEventListener("beforeprint", () => document.querySelectorAll("details:not(.filter, .unprinted)").forEach(part => { part.open = true; }));

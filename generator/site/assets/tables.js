// On narrow screens a row becomes a card (site.css); each cell then says the title of its column.
(function () {
  function label(table) {
    const titles = Array.from(table.querySelectorAll("thead th"), (cell) => cell.textContent.trim());
    if (titles.length < 3) return;
    table.classList.add("cards");
    for (const row of table.querySelectorAll("tbody tr")) {
      Array.from(row.cells).forEach((cell, number) => {
        cell.dataset.label = titles[number] || "";
        if (!cell.textContent.trim()) cell.classList.add("empty");
      });
    }
  }
  window.groundplanLabel = label;
  document.querySelectorAll(".md-typeset table:not([class])").forEach(label);
})();

(() => {
  "use strict";

  const collator = new Intl.Collator(undefined, { numeric: true });

  const valueOf = (row, column) => row.cells[column].dataset.value;

  // Rows without a value stay at the end in either direction.
  const compare = (a, b, numeric, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (numeric ? Number(a) - Number(b) : collator.compare(a, b));
  };

  const sortBy = (table, header, column) => {
    const body = table.tBodies[0];
    const numeric = header.classList.contains("num");
    // The first click shows the greatest number, or the first name.
    const first = numeric ? "descending" : "ascending";
    const second = numeric ? "ascending" : "descending";
    const direction = header.getAttribute("aria-sort") === first ? second : first;
    const sign = direction === "ascending" ? 1 : -1;
    const rows = Array.from(body.rows);
    rows.sort((a, b) => compare(valueOf(a, column), valueOf(b, column), numeric, sign));
    body.append(...rows);
    for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", direction);
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sortBy(table, header, column));
    });
  }
})();

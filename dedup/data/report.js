"use strict";
(() => {
  const form = document.getElementById("filter");
  const cases = Array.from(document.querySelectorAll("[data-kind]"));
  const texts = cases.map((item) => item.textContent.toLowerCase());
  const sections = Array.from(document.querySelectorAll("section[data-cases]"));
  const said = document.getElementById("matches");
  const empty = document.getElementById("no-matches");
  const number = new Intl.NumberFormat("en");
  const fields = ["kind", "grain", "rule", "verdict"];
  const apply = () => {
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = fields.map((name) => [name, form.elements[name].value]).filter(([, value]) => value);
    const active = words.length > 0 || chosen.length > 0;
    let shown = 0;
    cases.forEach((item, at) => {
      const fits = chosen.every(([name, value]) => item.dataset[name] === value)
        && words.every((word) => texts[at].includes(word));
      item.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    sections.forEach((section) => {
      section.hidden = active && !section.querySelector("[data-kind]:not([hidden])");
    });
    empty.hidden = shown > 0;
    said.textContent = said.dataset.said.replace("{n}", number.format(shown)).replace("{all}", number.format(cases.length));
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  if (cases.length) { form.hidden = false; apply(); }
})();

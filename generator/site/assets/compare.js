// Compares two variants of the gallery in the browser; the data comes with the page (gallery.js).
(function () {
  const gallery = window.groundplanGallery;
  const form = document.getElementById("compare");
  const place = document.getElementById("comparison");
  if (!gallery || !form || !place) return;
  const names = Object.keys(gallery);

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  // Rows [what, first, second], only where the two differ.
  function differences(first, second) {
    const keys = Array.from(new Set([...Object.keys(first), ...Object.keys(second)]));
    return keys.filter((key) => first[key] !== second[key]).map((key) => [key, first[key], second[key]]);
  }

  function table(title, rows, same, a, b) {
    place.append(element("h2", title));
    if (!rows.length) {
      place.append(element("p", same));
      return;
    }
    const made = element("table");
    const head = made.createTHead().insertRow();
    for (const text of ["What", a, b]) head.append(element("th", text));
    const body = made.createTBody();
    for (const cells of rows) {
      const row = body.insertRow();
      cells.forEach((text) => {
        const absent = text === undefined || text === "";
        row.append(element("td", absent ? "–" : String(text), absent ? "absent" : ""));
      });
    }
    window.groundplanLabel(made);
    place.append(made);
  }

  function files(title, paths) {
    const made = element("details");
    made.append(element("summary", `${title}: ${paths.length}`));
    const list = element("pre");
    list.append(element("code", paths.join("\n")));
    made.append(list);
    if (paths.length) place.append(made);
  }

  function show(a, b) {
    const [first, second] = [gallery[a], gallery[b]];
    place.replaceChildren();
    const about = element("ul");
    for (const name of [a, b]) {
      const item = element("li");
      const link = element("a", name);
      link.href = `${name}.html`;
      item.append(link, `: ${gallery[name].description}`);
      about.append(item);
    }
    place.append(about);
    if (a === b) {
      place.append(element("p", "Choose two different ones."));
      return;
    }
    table("Answers", differences(first.answers, second.answers), "Every answer is the same.", a, b);
    const environments = new Set([...Object.keys(first.resources), ...Object.keys(second.resources)]);
    for (const environment of environments) {
      const pair = [first.resources[environment] || {}, second.resources[environment] || {}];
      table(`Resources in ${environment}`, differences(...pair), "As many of each type.", a, b);
    }
    table("What costs money while nobody uses it", differences(first.cost, second.cost), "The same things.", a, b);
    table("Requirements", differences(first.requirements, second.requirements), "The same verdicts.", a, b);
    place.append(element("h2", "Files"));
    files(`Only in ${a}`, first.files.filter((path) => !second.files.includes(path)));
    files(`Only in ${b}`, second.files.filter((path) => !first.files.includes(path)));
    files("In both", first.files.filter((path) => second.files.includes(path)));
  }

  const asked = new URLSearchParams(window.location.search);
  function known(name, otherwise) {
    return names.includes(name) ? name : otherwise;
  }
  form.elements.a.value = known(asked.get("a"), names.includes("default") ? "default" : names[0]);
  const other = names.find((name) => name !== form.elements.a.value) || names[0];
  form.elements.b.value = known(asked.get("b"), other);

  function update() {
    const [a, b] = [form.elements.a.value, form.elements.b.value];
    show(a, b);
    const query = new URLSearchParams({ a, b });
    // A page that is opened from a folder may not change its address in every browser.
    try {
      window.history.replaceState(null, "", `?${query}`);
    } catch {
      return;
    }
  }
  form.addEventListener("change", update);
  update();
})();

// Copyright (c) 2026, mstr.library contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The page works without this: it only adds the filter, and unfolds what is printed.
"use strict";
(() => {
  const form = document.querySelector(".filter");
  const box = document.getElementById("q");
  const only = document.getElementById("only");
  const shown = document.getElementById("shown");
  const runtimes = Array.from(document.querySelectorAll(".rt"));
  const environments = Array.from(document.querySelectorAll(".env"));
  let texts = null;
  let timer = 0;
  if (runtimes.length > 1) {
    form.hidden = false;
  }

  function filter() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const active = words.length > 0 || only.checked;
    texts = texts || runtimes.map((runtime) => runtime.textContent.toLowerCase());
    const names = new Map(environments.map((part) => [part, part.querySelector("h2").textContent.toLowerCase()]));
    let count = 0;
    runtimes.forEach((runtime, index) => {
      const name = names.get(runtime.closest(".env"));
      const fits = words.every((word) => texts[index].includes(word) || name.includes(word));
      runtime.hidden = !fits || (only.checked && !runtime.hasAttribute("data-finding"));
      count += runtime.hidden ? 0 : 1;
    });
    for (const environment of environments) {
      const some = environment.querySelector(".rt:not([hidden])") !== null;
      environment.hidden = active && !some;
      const quiet = environment.querySelector(".quiet");
      if (quiet) {
        const left = quiet.querySelector(".rt:not([hidden])") !== null;
        quiet.hidden = !left;
        quiet.open = active && left;
      }
    }
    const found = count ? `${count} of ${runtimes.length} runtimes` : `No runtime of ${runtimes.length} fits the filter`;
    shown.textContent = active ? found : "";
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(filter, 120);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("input", later);
  only.addEventListener("change", filter);

  let folded = [];
  window.addEventListener("beforeprint", () => {
    // An audit is a proof, so its paper has every runtime.
    const wanted = document.body.className === "audit" ? ["details"] : ["details[data-finding]", "details.unread"];
    folded = Array.from(document.querySelectorAll(wanted.map((part) => `${part}:not([open])`).join()));
    folded.forEach((part) => { part.open = true; });
  });
  window.addEventListener("afterprint", () => {
    folded.forEach((part) => { part.open = false; });
  });
})();

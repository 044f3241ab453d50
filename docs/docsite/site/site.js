// What is wider than the screen can be scrolled with the keyboard only if it can have the focus.
"use strict";
(() => {
  function reach() {
    for (const part of document.querySelectorAll("pre, .wy-table-responsive")) {
      part.toggleAttribute("tabindex", part.scrollWidth > part.clientWidth);
      if (part.hasAttribute("tabindex")) {
        part.tabIndex = 0;
      }
    }
  }

  window.addEventListener("load", reach);
  window.addEventListener("resize", reach);
})();

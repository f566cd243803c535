"use strict";
// What the page offers to the scripts of its sections.
const page = { dark: matchMedia("(prefers-color-scheme: dark)") };

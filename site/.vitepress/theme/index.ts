import "./style.css";

// No fonts of its own: nothing to fetch, and text appears at once.
export { default } from "vitepress/theme-without-fonts";

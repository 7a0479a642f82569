// Tells the studio once a minute that somebody is at work, and only then, and gives
// ComfyUI's menu a way out.
(() => {
  let active = true;
  for (const kind of ["pointermove", "pointerdown", "keydown", "wheel"]) {
    addEventListener(kind, () => { active = true; }, { passive: true, capture: true });
  }
  const beat = () => {
    if (!active || document.visibilityState !== "visible") return;
    active = false;
    fetch("/_studio/beat", { method: "POST", keepalive: true }).catch(() => { active = true; });
  };
  beat();
  setInterval(beat, 60000);
  // An extension may come at any time once the page is built.
  const menu = () => {
    const app = window.comfyAPI?.app?.app;
    if (!app?.vueAppReady) return setTimeout(menu, 500);
    const id = "studio.logout";
    app.registerExtension({
      name: "studio",
      commands: [{ id, label: "Log out", icon: "pi pi-sign-out", function: () => location.assign("/_studio/logout") }],
      menuCommands: [{ path: ["Studio"], commands: [id] }],
    });
  };
  menu();
})();

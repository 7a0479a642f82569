// Tells the studio once a minute that somebody is at work, and only then.
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
})();

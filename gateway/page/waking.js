// Shows how far the server has come, and opens the studio when it is there.
(() => {
  const pool = `?pool=${encodeURIComponent(document.currentScript.dataset.pool)}`;
  const find = (id) => document.getElementById(id);
  const seconds = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000));
    return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
  };
  let last = null;
  const show = () => {
    if (!last) return;
    find("summary").textContent = last.summary;
    find("problem").textContent = last.problem || "";
    find("problem").hidden = !last.problem;
    find("wake").hidden = !last.problem;
    const items = last.stages.map((stage) => {
      const li = document.createElement("li");
      li.dataset.state = stage.state;
      const name = document.createElement("span");
      name.textContent = stage.name;
      const time = document.createElement("span");
      const parts = [];
      if (stage.state === "now") parts.push(seconds(Date.now() - last.at + stage.took));
      if (stage.state === "done") parts.push(seconds(stage.took));
      if (stage.usual && stage.state !== "done") parts.push(`usually ${seconds(stage.usual)}`);
      time.textContent = parts.join(", ");
      li.append(name, time);
      return li;
    });
    find("stages").replaceChildren(...items);
  };
  const events = new EventSource("/_studio/wake/events" + pool);
  events.addEventListener("stages", (e) => {
    last = { ...JSON.parse(e.data), at: Date.now() };
    show();
    if (last.ready) {
      events.close();
      location.reload();
    }
  });
  find("wake").addEventListener("click", () => fetch("/_studio/wake" + pool, { method: "POST" }));
  setInterval(show, 1000);
})();

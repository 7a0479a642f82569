#!/bin/bash
# Installs the daemon that keeps this node's models equal to the studio's bucket.
# This runs before nodeadm-run.service, which makes the instance store and then
# starts the kubelet: it must neither touch the one nor hold up the other.
set -euo pipefail

mkdir -p /usr/local/lib/comfyui-studio
id --user comfyui-models >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin comfyui-models

cat >/usr/local/lib/comfyui-studio/fetch <<'EOF'
#!/bin/bash
# Fetches the daemon unless it is there. Nothing runs but what was pinned. systemd
# tries again when this fails.
set -euo pipefail
cd /usr/local/lib/comfyui-studio

if ! mountpoint --quiet /mnt/k8s-disks/0; then
  echo 'the instance store is not mounted' >&2
  exit 1
fi

if ! echo '{{.SHA256}}  node-daemon' | sha256sum --check --status 2>/dev/null; then
  aws s3 cp --only-show-errors --region '{{.Region}}' 's3://{{.Artefacts}}/{{.Object}}' node-daemon.new
  echo '{{.SHA256}}  node-daemon.new' | sha256sum --check --quiet
  chmod 0755 node-daemon.new
  mv node-daemon.new node-daemon
fi

install --directory --owner comfyui-models --group comfyui-models '{{.Node}}' '{{.Directory}}'
EOF
chmod 0755 /usr/local/lib/comfyui-studio/fetch

cat >/etc/systemd/system/comfyui-models.service <<'EOF'
[Unit]
Description=Models of the ComfyUI studio
Wants=network-online.target
After=network-online.target nodeadm-run.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStartPre=+/usr/local/lib/comfyui-studio/fetch
ExecStart=/usr/local/lib/comfyui-studio/node-daemon --bucket={{.Bucket}} --region={{.Region}} --directory={{.Directory}} --status={{.Status}} --order={{.Order}}
TimeoutStartSec=infinity
TimeoutStopSec=20
WatchdogSec=60
Restart=always
RestartSec=2
# Servers come before copies, and the daemon goes before them.
CPUWeight=50
OOMScoreAdjust=500
User=comfyui-models
ReadWritePaths={{.Node}}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
CapabilityBoundingSet=
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
EOF

systemctl daemon-reload
systemctl enable comfyui-models.service
systemctl start --no-block comfyui-models.service

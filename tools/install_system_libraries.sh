#!/usr/bin/env bash
# The shared libraries that the Python wheels expect from the system, on Debian and its relatives.
#
# Installs what is missing when it may (root, or sudo that asks nothing); otherwise says in one line what to
# install and goes on, because a machine with other package names may have the libraries all the same:
# `inperson doctor` tells.
set -euo pipefail
python=${1:-python3.11}

packages=(
  libgl1 libegl1 libgles2 libegl-mesa0 libgl1-mesa-dri libglx-mesa0        # OpenGL, with a software renderer
  libglib2.0-0 libxcb1 libx11-6 libxext6 libxrandr2 libxinerama1 libxcursor1 libxi6 libxkbcommon0  # windows, OpenCV
  libportaudio2                                                            # microphone
  xvfb xdotool                                                             # tests open real windows and press keys
)
"$python" -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3.11-venv)
command -v "$python" >/dev/null || packages+=(python3.11)

command -v dpkg-query >/dev/null || exit 0

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [[ $state == "install ok installed" ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

if [[ $(id -u) -eq 0 ]]; then
  as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo)
else
  echo "system libraries are missing: apt-get install ${missing[*]}" >&2
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
install=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
"${install[@]}" >/dev/null 2>&1 || { "${as_root[@]}" apt-get update -qq && "${install[@]}" >/dev/null; } ||
  echo "system libraries could not be installed: apt-get install ${missing[*]}" >&2

# Sourced by the other scripts: private Python environments inside the checkout, made once.
# An environment is made again when its Python, the checkout's place, pyproject.toml or the pins change.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() { # MESSAGE: one line, as foveate's own errors
  printf 'error: %s\n' "$1" >&2
  exit 1
}

find_python() { # prints a Python >= 3.11 that can make environments; $PYTHON is taken when set
  local name found=""
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
    command -v "$name" >/dev/null || continue
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    found=$(command -v "$name")
    if "$name" -c 'import ensurepip, venv' 2>/dev/null; then
      echo "$found"
      return
    fi
  done
  [ -n "$found" ] || fail "no Python 3.11 or newer found; hint: apt-get install python3 python3-venv, or set PYTHON"
  fail "$found has no venv module; hint: apt-get install python$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
}

make_environment() { # FOLDER REQUIREMENT...: installs them there, pinned by requirements/lock.txt
  local folder=$root/$1 python stamp
  shift
  python=$(find_python)
  stamp=$({
    echo "$python $root $*"
    "$python" --version
    cat "$root/pyproject.toml" "$root"/requirements/*.txt
  } | sha256sum | cut -d ' ' -f 1)
  if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  echo "making the environment ${folder#"$root/"} (once; it takes a while) ..." >&2
  rm -rf "$folder"
  "$python" -m venv "$folder" >&2 || fail "cannot make $folder; hint: read the lines above"
  (cd "$root" && "$folder/bin/python" -m pip install --quiet --quiet --disable-pip-version-check \
    --constraint requirements/lock.txt "$@") >&2 ||
    fail "cannot install foveate; hint: pip's own words are above; a package index must be within reach"
  echo "$stamp" >"$folder/stamp"
}

make_test_environments() { # the two halves: .venv-infer must never hold torch, .venv-train holds the pinned one
  make_environment .venv-infer --requirement requirements/test.txt --editable '.[heic,openvino]'
  make_environment .venv-train --requirement requirements/test.txt --editable '.[heic,openvino,train]'
  infer=$root/.venv-infer/bin
  train=$root/.venv-train/bin
}

list_python_scripts() { # python_scripts: those of scripts/ that are Python, by their first line
  local path first
  python_scripts=()
  for path in "$root"/scripts/*; do
    read -r first <"$path" || continue
    if [[ $first == '#!'*python* ]]; then python_scripts+=("scripts/${path##*/}"); fi
  done
}

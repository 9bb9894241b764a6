# Finds the kernels in preprocessed CUDA C++ and prints a REGISTER_KERNEL for each:
#   extern "C" __global__ void __launch_bounds__(256) name(const float* x, u32 n)
# With -v list=1 it prints name, launch bounds and parameters instead, separated by tabs.

# The text from the opening parenthesis at `start` to the one that closes it, without the two.
function parenthesised(start,    depth, i, c) {
  depth = 0
  for (i = start; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (c == "(") depth++
    if (c == ")" && --depth == 0) break
  }
  end = i
  return substr(text, start + 1, i - start - 1)
}

/^#/ { next }
{ text = text " " $0 }

END {
  gsub(/[ \t\r]+/, " ", text)
  while ((at = index(text, "__global__")) > 0) {
    before = substr(text, 1, at - 1)
    text = substr(text, at + length("__global__"))
    name = ""
    bounds = ""
    while (match(text, /[A-Za-z_][A-Za-z0-9_]* *\(/)) {
      word = substr(text, RSTART, RLENGTH)
      sub(/ *\($/, "", word)
      inside = parenthesised(RSTART + RLENGTH - 1)
      text = substr(text, end + 1)
      if (word == "__launch_bounds__") { bounds = inside; continue }
      name = word
      break
    }
    if (before !~ /extern *"C" *$/) {
      printf "%s: kernel %s is not declared extern \"C\" __global__\n", file, name > "/dev/stderr"
      exit 1
    }
    # A declaration alone is not a kernel.
    if (text ~ /^ *;/) continue
    gsub(/^ +| +$/, "", inside)
    if (list) printf "%s\t%s\t%s\n", name, bounds, inside
    else if (bounds == "") printf "REGISTER_KERNEL(%s)\n", name
    else printf "REGISTER_KERNEL(%s, %s)\n", name, bounds
  }
}

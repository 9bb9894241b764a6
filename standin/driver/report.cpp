// What was run, written at exit to the file that CUDA_STANDIN_REPORT names, as JSON.
#include <cstdio>

#include "driver.h"

namespace standin {
namespace {

__attribute__((destructor)) void write_report() {
  if (settings().report.empty()) return;
  FILE* file = fopen(settings().report.c_str(), "w");
  if (!file) {
    perror(("CUDA stand-in: " + settings().report).c_str());
    return;
  }
  fprintf(file, "{\"kernels\":{");
  const char* comma = "";
  for (auto& [name, kernel] : cuda_on_host::kernels()) {
    if (!kernel.launches) continue;
    fprintf(file,
            "%s\n\"%s\":{\"launches\":%llu,\"blocks\":%llu,\"barriers\":%llu,\"warp_operations\":%llu,"
            "\"matrix_loads\":%llu,\"matrix_conflicts\":%llu}",
            comma, name.c_str(), kernel.launches, kernel.blocks, kernel.barriers, kernel.warp_operations,
            kernel.matrix_loads, kernel.matrix_conflicts);
    comma = ",";
  }
  fprintf(file, "},\n\"devices\":[");
  comma = "";
  for (auto& device : devices()) {
    fprintf(file, "%s\n{\"launches\":%llu,\"peak_bytes\":%zu,\"bytes_at_exit\":%zu}", comma, device->launches,
            device->peak, device->used);
    comma = ",";
  }
  fprintf(file, "],\n\"allocations_at_exit\":%zu}\n", allocations_alive());
  fclose(file);
}

}  // namespace
}  // namespace standin

// Entry points that cudarc's safe layer can ask for and the stand-in does not do. They are there because cudarc
// panics where a symbol is missing; an error is what the caller can handle.
#include "driver.h"

#define UNSUPPORTED(name) \
  API name() { return standin::complain(standin::NOT_SUPPORTED, #name " is not part of the stand-in"); }

UNSUPPORTED(cuLaunchCooperativeKernel)
UNSUPPORTED(cuOccupancyMaxActiveClusters)
UNSUPPORTED(cuOccupancyMaxPotentialClusterSize)
UNSUPPORTED(cuMemPoolCreate)
UNSUPPORTED(cuMemPoolDestroy)
UNSUPPORTED(cuMemAdvise)
UNSUPPORTED(cuMemAdvise_v2)
UNSUPPORTED(cuMemPrefetchAsync)
UNSUPPORTED(cuMemPrefetchAsync_v2)
UNSUPPORTED(cuImportExternalMemory)
UNSUPPORTED(cuDestroyExternalMemory)
UNSUPPORTED(cuExternalMemoryGetMappedBuffer)
UNSUPPORTED(cuGraphCreate)

API cuProfilerStart() { return standin::SUCCESS; }
API cuProfilerStop() { return standin::SUCCESS; }

// Not for cudarc: NVRTC 13 calls it, unasked whether it is there, when it finds a driver in the process.
API cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return standin::NOT_FOUND;
}

// cp.async: copies to shared memory that are not there until they were waited for.
//
// The thread that issued a copy does it, either at once or as late as its waits allow; both are allowed on the
// device, and a kernel that is right does not notice.
#include "block.h"
#include "lib/dev.cuh"
#include "settings.h"

namespace cuda_on_host {
namespace {

// Ordinary loads and stores, which the sanitizers see.
void perform(const AsyncCopy& copy) {
  for (int i = 0; i < 16; i++) copy.shared[i] = i < copy.bytes ? copy.global[i] : 0;
}

}  // namespace

void async_copy16(void* shared, const void* global, int bytes) {
  Runner& runner = *Runner::current();
  if (((size_t)shared | (size_t)global) & 15) fault("address of an asynchronous copy is not a multiple of 16");
  if (bytes < 0 || bytes > 16) fault("asynchronous copy of %d of 16 bytes", bytes);
#if defined(__SANITIZE_THREAD__)
  // From now on the hardware may write.
  __tsan_write_range(shared, 16);
  __tsan_read_range(const_cast<void*>(global), (unsigned long)bytes);
#endif
  const AsyncCopy copy = {static_cast<u8*>(shared), static_cast<const u8*>(global), bytes};
  const Copies when = settings().copies;
  if (when == Copies::Early || (when == Copies::Random && (runner.random.next() & 1))) perform(copy);
  else runner.fiber().uncommitted.push_back(copy);
}

void async_commit() {
  Fiber& fiber = Runner::current()->fiber();
  fiber.groups.push_back(std::move(fiber.uncommitted));
  fiber.uncommitted.clear();
}

void async_wait(int keep) {
  auto& groups = Runner::current()->fiber().groups;
  while (groups.size() > (size_t)keep) {
    for (const AsyncCopy& copy : groups.front()) perform(copy);
    groups.erase(groups.begin());
  }
}

}  // namespace cuda_on_host

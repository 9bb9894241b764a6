// Device memory, pinned host memory, copies and fills.
//
// Device memory is filled when it is given out, with NaN unless asked otherwise, so that what is used before it is
// written shows. Copies and fills are checked against the bounds of the allocation, twice: when they are asked for
// and, as a graph or a late stream does them later, when they are done. Kernels are watched by AddressSanitizer; in
// the other builds each allocation has margins on both sides that are looked at after a launch.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "driver.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace standin {
namespace {

constexpr size_t ALIGNMENT = 256, MARGIN = 256;
constexpr unsigned char MARGIN_FILL = 0xa5;

std::map<DevicePointer, Allocation>& allocations() {
  static auto* all = new std::map<DevicePointer, Allocation>;
  return *all;
}

struct Pinned {
  size_t bytes;
  bool registered;  // the caller's memory
};
std::map<const char*, Pinned>& pinned() {
  static auto* all = new std::map<const char*, Pinned>;
  return *all;
}

// With the margins, the one behind also being what rounding up adds.
size_t padded(size_t bytes) { return MARGIN + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + MARGIN; }

struct Margins {
  char *front, *behind;
  size_t behind_bytes;
};
Margins margins_of(DevicePointer pointer, size_t bytes) {
  char* start = reinterpret_cast<char*>(pointer);
  return {start - MARGIN, start + bytes, padded(bytes) - MARGIN - bytes};
}

void guard(DevicePointer pointer, size_t bytes) {
  Margins m = margins_of(pointer, bytes);
  memset(m.front, MARGIN_FILL, MARGIN);
  memset(m.behind, MARGIN_FILL, m.behind_bytes);
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(m.front, MARGIN);
  ASAN_POISON_MEMORY_REGION(m.behind, m.behind_bytes);
#endif
}

bool is_intact(const char* margin, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if ((unsigned char)margin[i] != MARGIN_FILL) return false;
  return true;
}

Result allocate(Context& context, DevicePointer* pointer, size_t bytes) {
  if (!bytes || !pointer) return INVALID_VALUE;
  Device& device = *context.device;
  // The device hands out whole pieces of 512 bytes.
  const size_t charge = (bytes + 511) / 512 * 512;
  if (charge < bytes || charge > settings().memory - std::min(settings().memory, device.used)) return OUT_OF_MEMORY;
  char* memory = static_cast<char*>(aligned_alloc(ALIGNMENT, padded(bytes)));
  if (!memory) return OUT_OF_MEMORY;
  memset(memory + MARGIN, settings().fill, bytes);
  *pointer = reinterpret_cast<DevicePointer>(memory + MARGIN);
  guard(*pointer, bytes);
  allocations()[*pointer] = {bytes, &context};
  device.used += charge;
  device.peak = std::max(device.peak, device.used);
  return SUCCESS;
}

void give_back(std::map<DevicePointer, Allocation>::iterator it) {
  char* memory = reinterpret_cast<char*>(it->first) - MARGIN;
  const Allocation& allocation = it->second;
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(memory, padded(allocation.bytes));
#endif
  allocation.context->device->used -= (allocation.bytes + 511) / 512 * 512;
  allocations().erase(it);
  free(memory);
}

bool inside(DevicePointer pointer, size_t bytes) {
  auto& all = allocations();
  auto it = all.upper_bound(pointer);
  if (it == all.begin()) return false;
  --it;
  return pointer - it->first <= it->second.bytes && bytes <= it->second.bytes - (pointer - it->first);
}

// One end of a copy.
struct End {
  DevicePointer address;
  bool on_device;
};

Result check_copy(End to, End from, size_t bytes, Result otherwise) {
  for (End end : {to, from}) {
    const char* which = end.address == to.address ? "target" : "source";
    if (end.on_device && !inside(end.address, bytes))
      return complain(otherwise, "a copy of %zu bytes leaves the device memory of its %s, %#llx", bytes, which,
                      end.address);
    if (!end.on_device && !end.address) return complain(otherwise, "a copy's %s in host memory is null", which);
  }
  return SUCCESS;
}

Result submit_copy(Stream& stream, End to, End from, size_t bytes) {
  if (!bytes) return SUCCESS;
  RETURN_IF_ERROR(check_copy(to, from, bytes, INVALID_VALUE));
  // Host memory that is not pinned is read before the call returns, unless a graph is captured.
  std::shared_ptr<std::vector<char>> staged;
  const bool pageable_source = !from.on_device && !is_pinned(reinterpret_cast<void*>(from.address));
  const bool pageable_target = !to.on_device && !is_pinned(reinterpret_cast<void*>(to.address));
  if (pageable_source && !stream.capture && settings().late_streams) {
    auto* source = reinterpret_cast<const char*>(from.address);
    staged = std::make_shared<std::vector<char>>(source, source + bytes);
  }
  RETURN_IF_ERROR(submit(stream, Kind::Copy, [=] {
    RETURN_IF_ERROR(check_copy(to, from, bytes, ILLEGAL_ADDRESS));
    const void* source = staged ? staged->data() : reinterpret_cast<const void*>(from.address);
    memmove(reinterpret_cast<void*>(to.address), source, bytes);
    return SUCCESS;
  }));
  // And what is not pinned is written when the call returns.
  if (pageable_target && !stream.capture) return finish(stream);
  return SUCCESS;
}

// Copies that wait: in the legacy stream, then everything before them is done as well.
Result copy_now(End to, End from, size_t bytes) {
  Context* context;
  RETURN_IF_ERROR(usable(context));
  RETURN_IF_ERROR(submit_copy(context->legacy, to, from, bytes));
  return finish(context->legacy);
}

Result copy_in_stream(void* handle, End to, End from, size_t bytes) {
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  return submit_copy(*stream, to, from, bytes);
}

End device_end(DevicePointer pointer) { return {pointer, true}; }
End host_end(const void* pointer) { return {reinterpret_cast<DevicePointer>(pointer), false}; }
// For the calls that take either: unified addresses tell.
End any_end(DevicePointer pointer) { return {pointer, allocation_of(pointer) != nullptr}; }

template <class T>
Result submit_set(Stream& stream, DevicePointer pointer, T value, size_t count) {
  if (pointer % sizeof(T))
    return complain(INVALID_VALUE, "a fill of %zu-byte values begins at %#llx", sizeof(T), pointer);
  const size_t bytes = count * sizeof(T);
  if (!bytes) return SUCCESS;
  if (!inside(pointer, bytes))
    return complain(INVALID_VALUE, "a fill of %zu bytes leaves the device memory at %#llx", bytes, pointer);
  return submit(stream, Kind::Set, [=] {
    if (!inside(pointer, bytes))
      return complain(ILLEGAL_ADDRESS, "a fill of %zu bytes leaves the device memory at %#llx", bytes, pointer);
    std::fill_n(reinterpret_cast<T*>(pointer), count, value);
    return SUCCESS;
  });
}

template <class T>
Result set_in_stream(void* handle, DevicePointer pointer, T value, size_t count) {
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  return submit_set(*stream, pointer, value, count);
}

template <class T>
Result set_now(DevicePointer pointer, T value, size_t count) {
  Context* context;
  RETURN_IF_ERROR(usable(context));
  return submit_set(context->legacy, pointer, value, count);
}

}  // namespace

const Allocation* allocation_of(DevicePointer pointer) {
  auto& all = allocations();
  auto it = all.upper_bound(pointer);
  if (it == all.begin()) return nullptr;
  --it;
  return pointer - it->first <= it->second.bytes ? &it->second : nullptr;
}

bool margins_are_intact(DevicePointer pointer) {
#if defined(__SANITIZE_ADDRESS__)
  (void)pointer;
  return true;
#else
  auto it = std::prev(allocations().upper_bound(pointer));
  Margins m = margins_of(it->first, it->second.bytes);
  return is_intact(m.front, MARGIN) && is_intact(m.behind, m.behind_bytes);
#endif
}

bool is_pinned(const void* pointer) {
  auto* address = static_cast<const char*>(pointer);
  auto it = pinned().upper_bound(address);
  if (it == pinned().begin()) return false;
  --it;
  return (size_t)(address - it->first) < it->second.bytes;
}

Result free_device_memory(DevicePointer pointer) {
  auto it = allocations().find(pointer);
  if (it == allocations().end())
    return complain(INVALID_VALUE, "%#llx is freed, which is not the start of device memory in use", pointer);
  give_back(it);
  return SUCCESS;
}

void forget_memory(Context& context) {
  auto& all = allocations();
  for (auto it = all.begin(); it != all.end();) {
    auto next = std::next(it);
    if (it->second.context == &context) give_back(it);
    it = next;
  }
}

size_t allocations_alive() { return allocations().size(); }

}  // namespace standin

using namespace standin;

// ---- device memory --------------------------------------------------------------------------------------------

API cuMemAlloc_v2(DevicePointer* pointer, size_t bytes) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  RETURN_IF_ERROR(forbidden_in_capture(*context));
  return allocate(*context, pointer, bytes);
}

API cuMemAllocManaged(DevicePointer* pointer, size_t bytes, unsigned) { return cuMemAlloc_v2(pointer, bytes); }

API cuMemFree_v2(DevicePointer pointer) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  if (!pointer) return SUCCESS;
  RETURN_IF_ERROR(forbidden_in_capture(*context));
  RETURN_IF_ERROR(finish_all(*context));
  return free_device_memory(pointer);
}

// The real driver can capture these two, as memory that belongs to the graph. Here they are refused: nothing in a
// replayed step should allocate.
API cuMemAllocAsync(DevicePointer* pointer, size_t bytes, void* handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  if (stream->capture) {
    stream->capture->invalid = true;
    return complain(STREAM_CAPTURE_UNSUPPORTED, "device memory is allocated in a stream that is being captured");
  }
  return allocate(*stream->context, pointer, bytes);
}

API cuMemFreeAsync(DevicePointer pointer, void* handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  if (!pointer) return INVALID_VALUE;
  if (stream->capture) {
    stream->capture->invalid = true;
    return complain(STREAM_CAPTURE_UNSUPPORTED, "device memory is freed in a stream that is being captured");
  }
  return submit(*stream, Kind::Free, [=] { return free_device_memory(pointer); });
}

API cuMemGetInfo_v2(size_t* free, size_t* total) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  *total = settings().memory;
  *free = settings().memory - context->device->used;
  return SUCCESS;
}

API cuMemGetAddressRange_v2(DevicePointer* base, size_t* bytes, DevicePointer pointer) {
  Lock lock;
  auto& all = allocations();
  auto it = all.upper_bound(pointer);
  if (it == all.begin() || !inside(pointer, 1)) return NOT_FOUND;
  --it;
  if (base) *base = it->first;
  if (bytes) *bytes = it->second.bytes;
  return SUCCESS;
}

API cuPointerGetAttribute(void* data, int attribute, DevicePointer pointer) {
  Lock lock;
  const Allocation* allocation = allocation_of(pointer);
  const bool host = is_pinned(reinterpret_cast<void*>(pointer));
  if (!allocation && !host) return INVALID_VALUE;
  switch (attribute) {
    case 1: *static_cast<void**>(data) = allocation ? allocation->context : current_context(); return SUCCESS;
    case 2: *static_cast<unsigned*>(data) = allocation ? 2 : 1; return SUCCESS;  // device, host
    case 3: *static_cast<DevicePointer*>(data) = pointer; return SUCCESS;
    case 9: *static_cast<int*>(data) = allocation ? allocation->context->device->ordinal : 0; return SUCCESS;
    default: return NOT_SUPPORTED;
  }
}

// ---- memory pools: there is one, and it keeps nothing -----------------------------------------------------------

API cuDeviceGetDefaultMemPool(void** pool, int device) {
  Lock lock;
  if (!device_of(device)) return INVALID_DEVICE;
  *pool = device_of(device);
  return SUCCESS;
}

API cuDeviceGetMemPool(void** pool, int device) { return cuDeviceGetDefaultMemPool(pool, device); }
API cuDeviceSetMemPool(int, void*) { return SUCCESS; }
API cuMemPoolSetAttribute(void*, int, void*) { return SUCCESS; }
API cuMemPoolTrimTo(void*, size_t) { return SUCCESS; }

API cuMemPoolGetAttribute(void*, int, void* value) {
  memset(value, 0, 4);
  return SUCCESS;
}

API cuMemAllocFromPoolAsync(DevicePointer* pointer, size_t bytes, void*, void* stream) {
  return cuMemAllocAsync(pointer, bytes, stream);
}

// ---- pinned host memory ---------------------------------------------------------------------------------------

API cuMemHostAlloc(void** pointer, size_t bytes, unsigned) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  RETURN_IF_ERROR(forbidden_in_capture(*context));
  if (!bytes) return INVALID_VALUE;
  void* memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (!memory) return OUT_OF_MEMORY;
  memset(memory, settings().fill, bytes);
  pinned()[static_cast<char*>(memory)] = {bytes, false};
  *pointer = memory;
  return SUCCESS;
}

API cuMemAllocHost_v2(void** pointer, size_t bytes) { return cuMemHostAlloc(pointer, bytes, 0); }

API cuMemFreeHost(void* pointer) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  auto it = pinned().find(static_cast<char*>(pointer));
  if (it == pinned().end() || it->second.registered)
    return complain(INVALID_VALUE, "%p is freed, which is not pinned host memory", pointer);
  RETURN_IF_ERROR(finish_all(*context));
  pinned().erase(it);
  free(pointer);
  return SUCCESS;
}

API cuMemHostRegister_v2(void* pointer, size_t bytes, unsigned) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  if (!pointer || !bytes) return INVALID_VALUE;
  if (is_pinned(pointer)) return HOST_MEMORY_ALREADY_REGISTERED;
  pinned()[static_cast<char*>(pointer)] = {bytes, true};
  return SUCCESS;
}

API cuMemHostUnregister(void* pointer) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  auto it = pinned().find(static_cast<char*>(pointer));
  if (it == pinned().end() || !it->second.registered) return HOST_MEMORY_NOT_REGISTERED;
  RETURN_IF_ERROR(finish_all(*context));
  pinned().erase(it);
  return SUCCESS;
}

API cuMemHostGetDevicePointer_v2(DevicePointer* device, void* pointer, unsigned) {
  Lock lock;
  if (!is_pinned(pointer)) return INVALID_VALUE;
  *device = reinterpret_cast<DevicePointer>(pointer);
  return SUCCESS;
}

API cuMemHostGetFlags(unsigned* flags, void*) {
  *flags = 0;
  return SUCCESS;
}

// ---- copies ---------------------------------------------------------------------------------------------------

API cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, size_t bytes, void* stream) {
  Lock lock;
  return copy_in_stream(stream, device_end(to), host_end(from), bytes);
}

API cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, size_t bytes, void* stream) {
  Lock lock;
  return copy_in_stream(stream, host_end(to), device_end(from), bytes);
}

API cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, size_t bytes, void* stream) {
  Lock lock;
  return copy_in_stream(stream, device_end(to), device_end(from), bytes);
}

API cuMemcpyPeerAsync(DevicePointer to, void*, DevicePointer from, void*, size_t bytes, void* stream) {
  Lock lock;
  return copy_in_stream(stream, device_end(to), device_end(from), bytes);
}

API cuMemcpyAsync(DevicePointer to, DevicePointer from, size_t bytes, void* stream) {
  Lock lock;
  return copy_in_stream(stream, any_end(to), any_end(from), bytes);
}

API cuMemcpyHtoD_v2(DevicePointer to, const void* from, size_t bytes) {
  Lock lock;
  return copy_now(device_end(to), host_end(from), bytes);
}

API cuMemcpyDtoH_v2(void* to, DevicePointer from, size_t bytes) {
  Lock lock;
  return copy_now(host_end(to), device_end(from), bytes);
}

API cuMemcpyDtoD_v2(DevicePointer to, DevicePointer from, size_t bytes) {
  Lock lock;
  return copy_now(device_end(to), device_end(from), bytes);
}

API cuMemcpyPeer(DevicePointer to, void*, DevicePointer from, void*, size_t bytes) {
  Lock lock;
  return copy_now(device_end(to), device_end(from), bytes);
}

API cuMemcpy(DevicePointer to, DevicePointer from, size_t bytes) {
  Lock lock;
  return copy_now(any_end(to), any_end(from), bytes);
}

// ---- fills ----------------------------------------------------------------------------------------------------

API cuMemsetD8Async(DevicePointer pointer, unsigned char value, size_t count, void* stream) {
  Lock lock;
  return set_in_stream(stream, pointer, value, count);
}

API cuMemsetD16Async(DevicePointer pointer, unsigned short value, size_t count, void* stream) {
  Lock lock;
  return set_in_stream(stream, pointer, value, count);
}

API cuMemsetD32Async(DevicePointer pointer, unsigned value, size_t count, void* stream) {
  Lock lock;
  return set_in_stream(stream, pointer, value, count);
}

API cuMemsetD8_v2(DevicePointer pointer, unsigned char value, size_t count) {
  Lock lock;
  return set_now(pointer, value, count);
}

API cuMemsetD16_v2(DevicePointer pointer, unsigned short value, size_t count) {
  Lock lock;
  return set_now(pointer, value, count);
}

API cuMemsetD32_v2(DevicePointer pointer, unsigned value, size_t count) {
  Lock lock;
  return set_now(pointer, value, count);
}

// Devices, their attributes, and contexts.
#include <cstdio>
#include <cstring>

#include "driver.h"

namespace standin {
namespace {

bool initialised_ = false;
// Contexts of this thread, the current one last. Setting one replaces the last.
thread_local std::vector<Context*> current_;

void set_current(Context* context) {
  if (current_.empty()) current_.push_back(context);
  else current_.back() = context;
}

void set_up(Context& context, Device& device) {
  context.device = &device;
  context.legacy = {&context, true, {}, {}, {}};
  context.per_thread = {&context, true, {}, {}, {}};
}

// What is left of a context goes with it.
void tear_down(Context& context) {
  finish_all(context);
  forget_streams(context);
  forget_memory(context);
  context.error = SUCCESS;
  context.peers.clear();
}

std::set<Context*>& created_contexts() {
  static auto* all = new std::set<Context*>;
  return *all;
}

bool is_context(Context* context) {
  for (auto& device : devices())
    if (context == &device->primary) return true;
  return created_contexts().count(context) != 0;
}

}  // namespace

Lock::Lock()
    : lock_guard([]() -> std::recursive_mutex& {
        static auto* mutex = new std::recursive_mutex;
        return *mutex;
      }()) {}

std::vector<std::unique_ptr<Device>>& devices() {
  static auto* all = new std::vector<std::unique_ptr<Device>>;
  return *all;
}

Device* device_of(int ordinal) {
  return ordinal >= 0 && (size_t)ordinal < devices().size() ? devices()[ordinal].get() : nullptr;
}

Context* current_context() { return current_.empty() ? nullptr : current_.back(); }

Result initialised() { return initialised_ ? SUCCESS : NOT_INITIALIZED; }

Result state_of(const Context& context) {
  if (context.device->lost) return context.device->lost;
  return context.error;
}

Result usable(Context*& context) {
  RETURN_IF_ERROR(initialised());
  context = current_context();
  if (!context) return INVALID_CONTEXT;
  return state_of(*context);
}

// Figures of the CUDA C++ programming guide, table of compute capabilities.
int shared_per_multiprocessor() {
  switch (settings().major * 10 + settings().minor) {
    case 75: return 64 * 1024;
    case 80:
    case 87: return 164 * 1024;
    case 86:
    case 89:
    case 120:
    case 121: return 100 * 1024;
    default: return settings().major < 8 ? 96 * 1024 : 228 * 1024;
  }
}

int shared_per_block_optin() {
  if (settings().major == 7 && settings().minor == 5) return 64 * 1024;
  return shared_per_multiprocessor() - 1024;
}

int threads_per_multiprocessor() {
  switch (settings().major * 10 + settings().minor) {
    case 75: return 1024;
    case 86:
    case 87:
    case 89:
    case 120:
    case 121: return 1536;
    default: return 2048;
  }
}

}  // namespace standin

using namespace standin;

// ---- the driver as a whole ------------------------------------------------------------------------------------

API cuInit(unsigned flags) {
  Lock lock;
  if (flags) return INVALID_VALUE;
  if (settings().devices <= 0) return NO_DEVICE;
  while ((int)devices().size() < settings().devices) {
    auto device = std::make_unique<Device>();
    device->ordinal = (int)devices().size();
    set_up(device->primary, *device);
    devices().push_back(std::move(device));
  }
  initialised_ = true;
  return SUCCESS;
}

API cuDriverGetVersion(int* version) {
  *version = settings().driver_version;
  return SUCCESS;
}

// ---- devices --------------------------------------------------------------------------------------------------

API cuDeviceGetCount(int* count) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  *count = (int)devices().size();
  return SUCCESS;
}

API cuDeviceGet(int* device, int ordinal) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(ordinal)) return INVALID_DEVICE;
  *device = ordinal;
  return SUCCESS;
}

API cuDeviceGetName(char* name, int bytes, int device) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(device)) return INVALID_DEVICE;
  snprintf(name, (size_t)bytes, "CUDA stand-in %d", device);
  return SUCCESS;
}

API cuDeviceGetUuid_v2(char* uuid, int device) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(device)) return INVALID_DEVICE;
  memcpy(uuid, "CUDA stand-in   ", 16);
  uuid[15] = (char)('0' + device);
  return SUCCESS;
}

API cuDeviceGetUuid(char* uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }

API cuDeviceGetPCIBusId(char* text, int bytes, int device) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(device)) return INVALID_DEVICE;
  if (bytes < 13) return INVALID_VALUE;
  snprintf(text, (size_t)bytes, "0000:%02X:00.0", device + 1);
  return SUCCESS;
}

API cuDeviceGetByPCIBusId(int* device, const char* text) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  unsigned bus = 0;
  if (sscanf(text, "0000:%x:00.0", &bus) != 1 || !device_of((int)bus - 1)) return INVALID_DEVICE;
  *device = (int)bus - 1;
  return SUCCESS;
}

API cuDeviceTotalMem_v2(size_t* bytes, int device) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(device)) return INVALID_DEVICE;
  *bytes = settings().memory;
  return SUCCESS;
}

API cuDeviceComputeCapability(int* major, int* minor, int device) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(device)) return INVALID_DEVICE;
  *major = settings().major;
  *minor = settings().minor;
  return SUCCESS;
}

API cuDeviceGetAttribute(int* value, int attribute, int device) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(device)) return INVALID_DEVICE;
  switch (attribute) {
    case 1: *value = 1024; break;  // threads of a block
    case 2:
    case 3: *value = 1024; break;        // block size, x and y
    case 4: *value = 64; break;          // block size, z
    case 5: *value = 0x7fffffff; break;  // grid size, x
    case 6:
    case 7: *value = 65535; break;  // grid size, y and z
    case 8: *value = SHARED_PER_BLOCK; break;
    case 9: *value = 65536; break;  // constant memory
    case 10: *value = 32; break;    // warp size
    case 12:
    case 82: *value = 65536; break;    // registers of a block, of a multiprocessor
    case 13: *value = 1500000; break;  // clock, kHz
    case 15: *value = 1; break;        // copies overlap with kernels
    case 16: *value = MULTIPROCESSORS; break;
    case 19:
    case 31:
    case 41: *value = 1; break;           // maps host memory, concurrent kernels, unified addresses
    case 33: *value = device + 1; break;  // PCI bus
    case 36: *value = 2000000; break;     // memory clock, kHz
    case 37: *value = 256; break;         // memory bus, bits
    case 38: *value = 4 << 20; break;     // L2 cache
    case 39: *value = threads_per_multiprocessor(); break;
    case 40: *value = 2; break;  // copy engines
    case 75: *value = settings().major; break;
    case 76: *value = settings().minor; break;
    case 78: *value = 1; break;  // stream priorities
    case 81: *value = shared_per_multiprocessor(); break;
    case 83: *value = 1; break;  // managed memory
    case 97: *value = shared_per_block_optin(); break;
    case 99: *value = 1; break;      // host memory can be registered
    case 106: *value = 32; break;    // blocks of a multiprocessor
    case 111: *value = 1024; break;  // shared memory that a block takes for the system
    case 115: *value = 1; break;     // memory pools
    default:
      if (attribute <= 0) return INVALID_VALUE;
      *value = 0;
  }
  return SUCCESS;
}

// ---- contexts -------------------------------------------------------------------------------------------------

API cuDevicePrimaryCtxRetain(void** context, int ordinal) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  Device* device = device_of(ordinal);
  if (!device) return INVALID_DEVICE;
  if (device->lost) return device->lost;
  device->primary.references++;
  *context = &device->primary;
  return SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(int ordinal) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  Device* device = device_of(ordinal);
  if (!device) return INVALID_DEVICE;
  if (!device->primary.references) return INVALID_CONTEXT;
  if (--device->primary.references == 0) tear_down(device->primary);
  return SUCCESS;
}

API cuDevicePrimaryCtxReset_v2(int ordinal) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  Device* device = device_of(ordinal);
  if (!device) return INVALID_DEVICE;
  tear_down(device->primary);
  return SUCCESS;
}

API cuDevicePrimaryCtxGetState(int ordinal, unsigned* flags, int* active) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  Device* device = device_of(ordinal);
  if (!device) return INVALID_DEVICE;
  *flags = 0;
  *active = device->primary.references > 0;
  return SUCCESS;
}

API cuDevicePrimaryCtxSetFlags_v2(int ordinal, unsigned) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  return device_of(ordinal) ? SUCCESS : INVALID_DEVICE;
}

API cuCtxCreate_v2(void** handle, unsigned, int ordinal) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  Device* device = device_of(ordinal);
  if (!device) return INVALID_DEVICE;
  if (device->lost) return device->lost;
  auto* context = new Context;
  set_up(*context, *device);
  created_contexts().insert(context);
  current_.push_back(context);
  *handle = context;
  return SUCCESS;
}

API cuCtxCreate_v3(void** context, void*, int, unsigned flags, int device) {
  return cuCtxCreate_v2(context, flags, device);
}

API cuCtxCreate_v4(void** context, void*, unsigned flags, int device) { return cuCtxCreate_v2(context, flags, device); }

API cuCtxDestroy_v2(void* handle) {
  Lock lock;
  auto* context = static_cast<Context*>(handle);
  if (!created_contexts().erase(context)) return INVALID_CONTEXT;
  tear_down(*context);
  if (current_context() == context) current_.pop_back();
  delete context;
  return SUCCESS;
}

API cuCtxGetCurrent(void** context) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  *context = current_context();
  return SUCCESS;
}

API cuCtxSetCurrent(void* context) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (context && !is_context(static_cast<Context*>(context))) return INVALID_CONTEXT;
  set_current(static_cast<Context*>(context));
  return SUCCESS;
}

API cuCtxPushCurrent_v2(void* context) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!is_context(static_cast<Context*>(context))) return INVALID_CONTEXT;
  current_.push_back(static_cast<Context*>(context));
  return SUCCESS;
}

API cuCtxPopCurrent_v2(void** context) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!current_context()) return INVALID_CONTEXT;
  if (context) *context = current_context();
  current_.pop_back();
  return SUCCESS;
}

API cuCtxGetDevice(int* device) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  *device = context->device->ordinal;
  return SUCCESS;
}

API cuCtxGetApiVersion(void*, unsigned* version) {
  *version = 3020;
  return SUCCESS;
}

API cuCtxSynchronize() {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  RETURN_IF_ERROR(forbidden_in_capture(*context));
  return finish_all(*context);
}

API cuCtxSetFlags(unsigned) { return SUCCESS; }

API cuCtxGetFlags(unsigned* flags) {
  *flags = 0;
  return SUCCESS;
}

API cuCtxGetLimit(size_t* value, int limit) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  switch (limit) {
    case 0: *value = 1024; break;     // stack of a thread
    case 1: *value = 1 << 20; break;  // printf buffer
    case 2: *value = 8 << 20; break;  // heap of the device
    default: *value = 0;
  }
  return SUCCESS;
}

API cuCtxSetLimit(int, size_t) {
  Lock lock;
  Context* context;
  return usable(context);
}

API cuCtxGetCacheConfig(int* config) {
  *config = 0;
  return SUCCESS;
}

API cuCtxSetCacheConfig(int) { return SUCCESS; }

API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  if (least) *least = 0;
  if (greatest) *greatest = -5;
  return SUCCESS;
}

// ---- peers ----------------------------------------------------------------------------------------------------

API cuDeviceCanAccessPeer(int* yes, int device, int peer) {
  Lock lock;
  RETURN_IF_ERROR(initialised());
  if (!device_of(device) || !device_of(peer)) return INVALID_DEVICE;
  *yes = device != peer;
  return SUCCESS;
}

API cuCtxEnablePeerAccess(void* peer, unsigned) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  if (!is_context(static_cast<Context*>(peer)) || peer == context) return INVALID_CONTEXT;
  return context->peers.insert(static_cast<Context*>(peer)).second ? SUCCESS : PEER_ACCESS_ALREADY_ENABLED;
}

API cuCtxDisablePeerAccess(void* peer) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  return context->peers.erase(static_cast<Context*>(peer)) ? SUCCESS : PEER_ACCESS_NOT_ENABLED;
}

API cuDeviceGetP2PAttribute(int* value, int attribute, int, int) {
  *value = attribute == 1 ? 0 : 1;  // all but the performance rank
  return SUCCESS;
}

// Module images, kernels by name, and their launch.
//
// An image is a cubin (ELF) or PTX text. It is not executed; it says which kernels there are, and what is run is the
// host build of the kernel of that name.
#include <csignal>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "driver.h"

namespace standin {
namespace {

struct Function {
  cuda_on_host::Kernel* kernel;
  Context* context;
  int dynamic_limit = SHARED_PER_BLOCK;
};

struct Module {
  std::string image;
  Context* context;
  std::map<std::string, std::unique_ptr<Function>> functions;
};

std::set<Module*>& modules() {
  static auto* all = new std::set<Module*>;
  return *all;
}
std::set<Function*>& functions() {
  static auto* all = new std::set<Function*>;
  return *all;
}

Function* function_of(void* handle) {
  auto* function = static_cast<Function*>(handle);
  return functions().count(function) ? function : nullptr;
}

template <class T>
T field(const char* image, size_t offset) {
  T value;
  memcpy(&value, image + offset, sizeof value);
  return value;
}

// Bytes of an ELF image, by its tables, which come last.
size_t elf_size(const char* image) {
  constexpr uint16_t EM_CUDA = 190;
  const bool is_cubin = image[4] == 2 && field<uint16_t>(image, 18) == EM_CUDA;
  if (!is_cubin) return strlen(image);
  size_t programs = field<uint64_t>(image, 32) + (size_t)field<uint16_t>(image, 54) * field<uint16_t>(image, 56);
  size_t sections = field<uint64_t>(image, 40) + (size_t)field<uint16_t>(image, 58) * field<uint16_t>(image, 60);
  return std::max(programs, sections);
}

// The driver that first understood a version of PTX, as cuDriverGetVersion counts.
int driver_for_ptx(int major, int minor) {
  if (major < 7) return 0;
  if (major == 7) return 11000 + minor * 10;
  if (major == 8) {
    const int drivers[] = {12000, 12010, 12020, 12030, 12040, 12050, 12070, 12080, 12090};
    return minor < 9 ? drivers[minor] : 13000;
  }
  return (major + 4) * 1000 + minor * 10;
}

Result check_ptx(const char* text) {
  int major = 0, minor = 0, target = 0;
  const char* version = strstr(text, ".version");
  const char* architecture = strstr(text, ".target");
  if (!version || sscanf(version, ".version %d.%d", &major, &minor) != 2) return INVALID_IMAGE;
  if (!architecture || sscanf(architecture, ".target sm_%d", &target) != 1) return INVALID_IMAGE;
  if (driver_for_ptx(major, minor) > settings().driver_version)
    return complain(UNSUPPORTED_PTX_VERSION, "PTX %d.%d needs a newer driver than %d", major, minor,
                    settings().driver_version);
  if (target > settings().major * 10 + settings().minor)
    return complain(NO_BINARY_FOR_GPU, "PTX for sm_%d on a device of %d.%d", target, settings().major,
                    settings().minor);
  return SUCCESS;
}

Result load(void** handle, const char* image) {
  Context* context;
  RETURN_IF_ERROR(usable(context));
  RETURN_IF_ERROR(forbidden_in_capture(*context));
  if (!image) return INVALID_VALUE;
  size_t bytes = 0;
  if (!memcmp(image, "\177ELF", 4)) {
    bytes = elf_size(image);
  } else {
    RETURN_IF_ERROR(check_ptx(image));
    bytes = strlen(image);
  }
  auto* module = new Module{std::string(image, bytes), context, {}};
  modules().insert(module);
  *handle = module;
  return SUCCESS;
}

// Whether the image has the name as a whole word.
bool names(const std::string& image, const std::string& name) {
  auto is_word = [](char c) { return isalnum((unsigned char)c) || c == '_' || c == '$'; };
  for (size_t at = image.find(name); at != std::string::npos; at = image.find(name, at + 1)) {
    const bool begins = at == 0 || !is_word(image[at - 1]);
    const bool ends = at + name.size() == image.size() || !is_word(image[at + name.size()]);
    if (begins && ends) return true;
  }
  return false;
}

// ---- launches -------------------------------------------------------------------------------------------------

struct Shape {
  dim3 grid, block;
  unsigned dynamic;
};

Result check_limits(const Function& function, const Shape& shape) {
  const char* name = function.kernel->name;
  const dim3 g = shape.grid, b = shape.block;
  const unsigned long long threads = (unsigned long long)b.x * b.y * b.z;
  if (!threads || b.x > 1024 || b.y > 1024 || b.z > 64 || threads > 1024)
    return complain(INVALID_VALUE, "%s is launched with blocks of %u x %u x %u threads", name, b.x, b.y, b.z);
  if (threads > function.kernel->max_threads)
    return complain(INVALID_VALUE, "%s is launched with %llu threads a block, its __launch_bounds__ allow %u", name,
                    threads, function.kernel->max_threads);
  if (!g.x || !g.y || !g.z || g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535)
    return complain(INVALID_VALUE, "%s is launched with a grid of %u x %u x %u blocks", name, g.x, g.y, g.z);
  if (shape.dynamic > (unsigned)function.dynamic_limit)
    return complain(INVALID_VALUE,
                    "%s is launched with %u bytes of dynamic shared memory, cuFuncSetAttribute allowed %d", name,
                    shape.dynamic, function.dynamic_limit);
  return SUCCESS;
}

// A pointer argument is null or leads to memory that kernels of the context may use.
Result check_pointers(const Function& function, const std::vector<std::vector<char>>& values) {
  const auto& parameters = function.kernel->parameters;
  for (size_t i = 0; i < parameters.size(); i++) {
    if (!parameters[i].is_pointer) continue;
    const auto pointer = field<DevicePointer>(values[i].data(), 0);
    if (!pointer || is_pinned(reinterpret_cast<void*>(pointer))) continue;
    const Allocation* allocation = allocation_of(pointer);
    if (!allocation)
      return complain(ILLEGAL_ADDRESS, "argument %zu of %s, %#llx, is no device memory (freed, or never allocated)", i,
                      function.kernel->name, pointer);
    const bool reachable =
        allocation->context->device == function.context->device || function.context->peers.count(allocation->context);
    if (!reachable)
      return complain(ILLEGAL_ADDRESS, "argument %zu of %s lies on device %d, the kernel runs on device %d", i,
                      function.kernel->name, allocation->context->device->ordinal, function.context->device->ordinal);
  }
  return SUCCESS;
}

// Writes of the kernel next to memory that it was given.
Result check_margins(const Function& function, const std::vector<std::vector<char>>& values) {
  const auto& parameters = function.kernel->parameters;
  for (size_t i = 0; i < parameters.size(); i++) {
    if (!parameters[i].is_pointer) continue;
    const auto pointer = field<DevicePointer>(values[i].data(), 0);
    if (allocation_of(pointer) && !margins_are_intact(pointer))
      return complain(ILLEGAL_ADDRESS, "%s wrote out of the bounds of its argument %zu", function.kernel->name, i);
  }
  return SUCCESS;
}

// Faults that the environment asks for. `count` launches have begun, this one among them.
bool is_due(const cuda_on_host::Settings::Fault& fault, const Device& device, unsigned long long all) {
  if (!fault.launch) return false;
  if (fault.device < 0) return all >= fault.launch;
  return fault.device == device.ordinal && device.launches >= fault.launch;
}

Result run_kernel(const Function& function, const Shape& shape, const std::vector<std::vector<char>>& values) {
  static unsigned long long all_launches = 0;
  static bool has_failed = false, has_interrupted = false;
  Device& device = *function.context->device;
  all_launches++;
  device.launches++;
  if (!has_failed && is_due(settings().fail_launch, device, all_launches)) {
    has_failed = true;
    return complain(LAUNCH_FAILED, "launch %llu, of %s on device %d, fails as CUDA_STANDIN_FAIL_LAUNCH asks",
                    all_launches, function.kernel->name, device.ordinal);
  }
  if (!has_interrupted && is_due(settings().interrupt, device, all_launches)) {
    has_interrupted = true;
    raise(SIGINT);
  }
  RETURN_IF_ERROR(check_pointers(function, values));
  std::vector<void*> arguments;
  for (const auto& value : values) arguments.push_back(const_cast<char*>(value.data()));
  const std::string fault =
      cuda_on_host::run({function.kernel, shape.grid, shape.block, shape.dynamic, arguments.data()});
  if (!fault.empty()) return complain(LAUNCH_FAILED, "%s", fault.c_str());
  RETURN_IF_ERROR(check_margins(function, values));
  if (is_due(settings().lost, device, all_launches)) {
    device.lost = ILLEGAL_ADDRESS;
    complain(SUCCESS, "device %d is lost after launch %llu as CUDA_STANDIN_LOST asks", device.ordinal, all_launches);
  }
  return SUCCESS;
}

Result launch(void* handle, const Shape& shape, void* stream_handle, void** arguments, void** extra) {
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Function* function = function_of(handle);
  Stream* stream = stream_of(stream_handle);
  if (!function || !stream) return INVALID_HANDLE;
  if (stream->context != function->context)
    return complain(INVALID_HANDLE, "%s is launched in a stream of another context", function->kernel->name);
  RETURN_IF_ERROR(check_limits(*function, shape));
  if (extra) return complain(NOT_SUPPORTED, "%s is launched with packed arguments", function->kernel->name);

  // The values are taken now; the caller may reuse their memory.
  const auto& parameters = function->kernel->parameters;
  if (!arguments && !parameters.empty()) return INVALID_VALUE;
  auto values = std::make_shared<std::vector<std::vector<char>>>();
  for (size_t i = 0; i < parameters.size(); i++) {
    if (!arguments[i]) return complain(INVALID_VALUE, "argument %zu of %s is missing", i, function->kernel->name);
    auto* value = static_cast<const char*>(arguments[i]);
    values->emplace_back(value, value + parameters[i].size);
  }
  // A graph may outlive the module that the function came from. While the function lives, the shared memory that it is
  // allowed today holds for a replay, too.
  return submit(*stream, Kind::Kernel, [handle, function = *function, shape, values] {
    if (const Function* today = function_of(handle)) RETURN_IF_ERROR(check_limits(*today, shape));
    return run_kernel(function, shape, *values);
  });
}

int blocks_per_multiprocessor(const Function& function, int threads, size_t dynamic) {
  if (threads <= 0 || threads > (int)function.kernel->max_threads) return 0;
  if (dynamic > (size_t)function.dynamic_limit) return 0;
  const int by_threads = threads_per_multiprocessor() / ((threads + 31) / 32 * 32);
  const int by_shared = shared_per_multiprocessor() / (int)(dynamic + 1024);
  return std::min({by_threads, by_shared, 32});
}

}  // namespace
}  // namespace standin

using namespace standin;

// ---- modules --------------------------------------------------------------------------------------------------

API cuModuleLoadData(void** module, const void* image) {
  Lock lock;
  return load(module, static_cast<const char*>(image));
}

// Options: of these, the buffer for the errors of the PTX compiler is filled.
API cuModuleLoadDataEx(void** module, const void* image, unsigned count, int* options, void** values) {
  Lock lock;
  constexpr int ERROR_LOG_BUFFER = 5, ERROR_LOG_BYTES = 6;
  Result result = load(module, static_cast<const char*>(image));
  char* buffer = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < count; i++) {
    if (options[i] == ERROR_LOG_BUFFER) buffer = static_cast<char*>(values[i]);
    if (options[i] == ERROR_LOG_BYTES) bytes = reinterpret_cast<size_t>(values[i]);
  }
  if (buffer && bytes) snprintf(buffer, bytes, "%s", result ? "the stand-in does not take this image" : "");
  return result;
}

API cuModuleLoad(void** module, const char* path) {
  Lock lock;
  std::ifstream file(path, std::ios::binary);
  if (!file) return FILE_NOT_FOUND;
  std::string image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (image.size() < 64) image.resize(64);
  return load(module, image.c_str());
}

API cuModuleUnload(void* handle) {
  Lock lock;
  auto* module = static_cast<Module*>(handle);
  if (!modules().erase(module)) return INVALID_HANDLE;
  for (auto& [name, function] : module->functions) functions().erase(function.get());
  delete module;
  return SUCCESS;
}

API cuModuleGetFunction(void** handle, void* module_handle, const char* name) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  auto* module = static_cast<Module*>(module_handle);
  if (!modules().count(module)) return INVALID_HANDLE;
  auto kernel = cuda_on_host::kernels().find(name);
  if (!names(module->image, name)) return NOT_FOUND;
  if (kernel == cuda_on_host::kernels().end())
    return complain(NOT_FOUND, "the image has a kernel %s, but the stand-in was not built with one", name);
  auto& function = module->functions[name];
  if (!function) {
    function.reset(new Function{&kernel->second, module->context});
    functions().insert(function.get());
  }
  *handle = function.get();
  return SUCCESS;
}

API cuModuleGetGlobal_v2(DevicePointer*, size_t*, void*, const char*) { return NOT_FOUND; }

// ---- functions ------------------------------------------------------------------------------------------------

// Numbers of CUfunction_attribute.
API cuFuncGetAttribute(int* value, int attribute, void* handle) {
  Lock lock;
  Function* function = function_of(handle);
  if (!function) return INVALID_HANDLE;
  switch (attribute) {
    case 0: *value = (int)function->kernel->max_threads; break;
    case 4: *value = 32; break;  // registers
    case 5:
    case 6: *value = settings().major * 10 + settings().minor; break;
    case 8: *value = function->dynamic_limit; break;
    case 9: *value = -1; break;  // carve-out: the driver's choice
    default: *value = 0;
  }
  return SUCCESS;
}

API cuFuncSetAttribute(void* handle, int attribute, int value) {
  Lock lock;
  constexpr int MAX_DYNAMIC = 8;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Function* function = function_of(handle);
  if (!function) return INVALID_HANDLE;
  if (attribute != MAX_DYNAMIC) return SUCCESS;
  if (value < 0 || value > shared_per_block_optin())
    return complain(INVALID_VALUE, "%s asks for %d bytes of dynamic shared memory, a block has at most %d",
                    function->kernel->name, value, shared_per_block_optin());
  function->dynamic_limit = value;
  return SUCCESS;
}

API cuFuncSetCacheConfig(void*, int) { return SUCCESS; }
API cuFuncSetSharedMemConfig(void*, int) { return SUCCESS; }

// ---- launches -------------------------------------------------------------------------------------------------

API cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned dynamic, void* stream, void** arguments, void** extra) {
  Lock lock;
  return launch(function, {dim3(gx, gy, gz), dim3(bx, by, bz), dynamic}, stream, arguments, extra);
}

// As CUlaunchConfig; the attributes of the launch are hints here.
struct LaunchConfiguration {
  unsigned gx, gy, gz, bx, by, bz, dynamic;
  void* stream;
  void* attributes;
  unsigned attribute_count;
};

API cuLaunchKernelEx(const LaunchConfiguration* c, void* function, void** arguments, void** extra) {
  Lock lock;
  return launch(function, {dim3(c->gx, c->gy, c->gz), dim3(c->bx, c->by, c->bz), c->dynamic}, c->stream, arguments,
                extra);
}

// ---- occupancy ------------------------------------------------------------------------------------------------

API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void* handle, int threads, size_t dynamic,
                                                         unsigned) {
  Lock lock;
  Function* function = function_of(handle);
  if (!function) return INVALID_HANDLE;
  *blocks = blocks_per_multiprocessor(*function, threads, dynamic);
  return SUCCESS;
}

API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* function, int threads, size_t dynamic) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, threads, dynamic, 0);
}

API cuOccupancyMaxPotentialBlockSizeWithFlags(int* grid, int* block, void* handle, size_t (*dynamic_of)(int),
                                              size_t dynamic, int limit, unsigned) {
  Lock lock;
  Function* function = function_of(handle);
  if (!function) return INVALID_HANDLE;
  int best_threads = 0;
  *grid = *block = 0;
  const int most = std::min((int)function->kernel->max_threads, limit > 0 ? limit : 1024);
  for (int threads = most / 32 * 32; threads >= 32; threads -= 32) {
    const int blocks = blocks_per_multiprocessor(*function, threads, dynamic_of ? dynamic_of(threads) : dynamic);
    if (blocks * threads <= best_threads) continue;
    best_threads = blocks * threads;
    *block = threads;
    *grid = blocks * MULTIPROCESSORS;
  }
  return SUCCESS;
}

API cuOccupancyMaxPotentialBlockSize(int* grid, int* block, void* function, size_t (*dynamic_of)(int), size_t dynamic,
                                     int limit) {
  return cuOccupancyMaxPotentialBlockSizeWithFlags(grid, block, function, dynamic_of, dynamic, limit, 0);
}

API cuOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, void* handle, int blocks, int) {
  Lock lock;
  Function* function = function_of(handle);
  if (!function || blocks <= 0) return INVALID_VALUE;
  *bytes = (size_t)std::min(function->dynamic_limit, shared_per_multiprocessor() / blocks - 1024);
  return SUCCESS;
}

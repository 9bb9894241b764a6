// What the parts of the stand-in driver share. It answers the CUDA driver API on host memory: device memory is host
// memory, kernels are run by runtime/. The names and numbers of the API are its own declarations; no CUDA header is
// used.
//
// One lock serialises all calls. By default work is done when it is put into a stream; with CUDA_STANDIN_STREAMS=late
// it is done when something waits for it, which shows what does not wait and should.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../runtime/launch.h"
#include "../runtime/settings.h"

// An entry point of the library.
#define API extern "C" __attribute__((visibility("default"))) int

namespace standin {

using cuda_on_host::settings;
using DevicePointer = unsigned long long;

enum Result : int {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  NO_BINARY_FOR_GPU = 209,
  UNSUPPORTED_PTX_VERSION = 222,
  FILE_NOT_FOUND = 301,
  INVALID_HANDLE = 400,
  ILLEGAL_STATE = 401,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  PEER_ACCESS_ALREADY_ENABLED = 704,
  PEER_ACCESS_NOT_ENABLED = 705,
  HOST_MEMORY_ALREADY_REGISTERED = 712,
  HOST_MEMORY_NOT_REGISTERED = 713,
  LAUNCH_FAILED = 719,
  NOT_SUPPORTED = 801,
  STREAM_CAPTURE_UNSUPPORTED = 900,
  STREAM_CAPTURE_INVALIDATED = 901,
  STREAM_CAPTURE_MERGE = 902,
  STREAM_CAPTURE_UNMATCHED = 903,
  STREAM_CAPTURE_UNJOINED = 904,
  STREAM_CAPTURE_ISOLATION = 905,
  STREAM_CAPTURE_IMPLICIT = 906,
  CAPTURED_EVENT = 907,
  STREAM_CAPTURE_WRONG_THREAD = 908,
  GRAPH_EXEC_UPDATE_FAILURE = 910,
};

#define RETURN_IF_ERROR(expression) \
  if (Result result_ = (expression)) return result_

// Tells on stderr what went wrong, where an error code alone would leave one guessing. Gives back the code.
[[gnu::format(printf, 2, 3)]] Result complain(Result result, const char* format, ...);

// Taken by every entry point.
struct Lock : std::lock_guard<std::recursive_mutex> {
  Lock();
};

// ---- work in streams (stream.cpp) -----------------------------------------------------------------------------

struct Context;
struct Stream;

// Kinds of work, numbered as CUgraphNodeType.
enum class Kind { Kernel = 0, Copy = 1, Set = 2, Host = 3, Graph = 4, WaitEvent = 6, RecordEvent = 7, Free = 100 };

struct Work {
  Kind kind;
  std::function<Result()> run;
};

struct Graph {
  std::vector<std::shared_ptr<Work>> nodes;  // in the order of capture
};

// A capture under way; several streams can take part.
struct Capture {
  Graph graph;
  Stream* origin;
  int mode;
  std::thread::id thread;
  bool invalid = false;
  std::set<Stream*> streams;
};

// How much work of each stream of a capture is known to come before.
using Clock = std::map<Stream*, unsigned long long>;

struct Stream {
  Context* context;
  bool blocking;  // waits for the legacy stream, and it waits for this
  std::deque<Work> queue;
  std::shared_ptr<Capture> capture;
  Clock clock;  // in a capture
};

// Puts work into a stream: done, queued or captured.
Result submit(Stream& stream, Kind kind, std::function<Result()> run);
// Does all work that was put into it.
Result finish(Stream& stream);
Result finish_all(Context& context);
// A call that cannot be captured, of whatever stream: an error while this thread captures.
Result forbidden_in_capture(Context& context);
// The stream of a handle; the current context must be there. Null: no such stream.
Stream* stream_of(void* handle);
void forget_streams(Context& context);

// ---- devices and contexts (device.cpp) ------------------------------------------------------------------------

struct Device;

struct Context {
  Device* device = nullptr;
  Result error = SUCCESS;  // once set, every call returns it: the context is lost
  int references = 0;
  std::set<Context*> peers;
  Stream legacy, per_thread;
};

struct Device {
  int ordinal = 0;
  size_t used = 0, peak = 0;  // bytes
  unsigned long long launches = 0;
  Result lost = SUCCESS;  // gone for good
  Context primary;
};

// All of them; none before cuInit.
std::vector<std::unique_ptr<Device>>& devices();
Device* device_of(int ordinal);
Context* current_context();
// Whether the driver is initialised.
Result initialised();
// Whether there is a current context that still works.
Result usable(Context*& context);
Result state_of(const Context& context);

// Limits that depend on the compute capability.
int shared_per_block_optin();
int shared_per_multiprocessor();
int threads_per_multiprocessor();
constexpr int SHARED_PER_BLOCK = 48 * 1024, MULTIPROCESSORS = 8;

// ---- memory (memory.cpp) --------------------------------------------------------------------------------------

struct Allocation {
  size_t bytes;
  Context* context;
};

// The allocation that a device pointer lies in, or right behind; null if there is none.
const Allocation* allocation_of(DevicePointer pointer);
// Whether nothing was written just before or behind the allocation that a pointer lies in.
bool margins_are_intact(DevicePointer pointer);
bool is_pinned(const void* pointer);
Result free_device_memory(DevicePointer pointer);
// Frees what is left of a context.
void forget_memory(Context& context);
size_t allocations_alive();

}  // namespace standin

// Streams, events, and the capture of work into graphs.
#include <chrono>

#include "driver.h"

namespace standin {
namespace {

// A time in the life of a stream that an event stands for.
struct Record {
  Stream* stream = nullptr;
  bool done = false;
  double seconds = 0;
};

struct Event {
  unsigned flags;
  std::shared_ptr<Record> record;  // null: never recorded
  // Recorded in a capture instead: in which, and what comes before.
  std::weak_ptr<Capture> capture;
  Clock clock;
};

// Handles that were given out and not destroyed.
template <class T>
std::set<T*>& alive() {
  static auto* all = new std::set<T*>;
  return *all;
}

template <class T>
T* find(void* handle) {
  auto* object = static_cast<T*>(handle);
  return alive<T>().count(object) ? object : nullptr;
}

template <class T>
Result destroy(void* handle) {
  T* object = find<T>(handle);
  if (!object) return INVALID_HANDLE;
  alive<T>().erase(object);
  delete object;
  return SUCCESS;
}

// What can be launched; a copy of the graph that it was made from.
struct Executable {
  Graph graph;
};

// All streams of a context.
std::vector<Stream*> streams_of(Context& context) {
  std::vector<Stream*> streams = {&context.legacy, &context.per_thread};
  for (Stream* stream : alive<Stream>())
    if (stream->context == &context) streams.push_back(stream);
  return streams;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Faults of work that runs on the device lose the context.
Result perform(Context& context, const Work& work) {
  RETURN_IF_ERROR(state_of(context));
  Result result = work.run();
  if (result >= ILLEGAL_ADDRESS && result <= LAUNCH_FAILED) context.error = result;
  return result;
}

Result invalidate(Capture& capture, Result result) {
  capture.invalid = true;
  return result;
}

// Waiting for work that is only being captured.
Result cannot_wait(Stream& stream) { return invalidate(*stream.capture, STREAM_CAPTURE_UNSUPPORTED); }

Result finish_until(Record& record) {
  while (!record.done && !record.stream->queue.empty()) {
    Stream& stream = *record.stream;
    Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    RETURN_IF_ERROR(perform(*stream.context, work));
  }
  return SUCCESS;
}

// Drops what is left in a stream that goes away. Its events are over then.
void abandon(Stream& stream) {
  for (Work& work : stream.queue)
    if (work.kind == Kind::RecordEvent) work.run();
  stream.queue.clear();
}

bool queued_in_order(Stream& stream) { return settings().late_streams && &stream != &stream.context->legacy; }

}  // namespace

Stream* stream_of(void* handle) {
  Context* context = current_context();
  const auto value = reinterpret_cast<uintptr_t>(handle);
  if (value <= 1) return &context->legacy;
  if (value == 2) return &context->per_thread;
  return find<Stream>(handle);
}

Result submit(Stream& stream, Kind kind, std::function<Result()> run) {
  Context& context = *stream.context;
  RETURN_IF_ERROR(state_of(context));
  if (stream.capture) {
    if (stream.capture->invalid) return STREAM_CAPTURE_INVALIDATED;
    stream.capture->graph.nodes.push_back(std::make_shared<Work>(Work{kind, std::move(run)}));
    stream.clock[&stream]++;
    return SUCCESS;
  }
  if (&stream == &context.legacy) {
    for (Stream* other : streams_of(context)) {
      if (!other->blocking) continue;
      if (other->capture) return invalidate(*other->capture, STREAM_CAPTURE_IMPLICIT);
      if (other != &stream) RETURN_IF_ERROR(finish(*other));
    }
  }
  Work work = {kind, std::move(run)};
  if (!queued_in_order(stream)) return perform(context, work);
  stream.queue.push_back(std::move(work));
  return SUCCESS;
}

Result finish(Stream& stream) {
  if (&stream == &stream.context->legacy) {
    for (Stream* other : streams_of(*stream.context))
      if (other->blocking && other != &stream && !other->capture) RETURN_IF_ERROR(finish(*other));
  }
  while (!stream.queue.empty()) {
    Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    RETURN_IF_ERROR(perform(*stream.context, work));
  }
  return state_of(*stream.context);
}

Result finish_all(Context& context) {
  for (Stream* stream : streams_of(context)) RETURN_IF_ERROR(finish(*stream));
  return state_of(context);
}

Result forbidden_in_capture(Context& context) {
  constexpr int RELAXED = 2, GLOBAL = 0;
  for (Stream* stream : streams_of(context)) {
    if (!stream->capture || stream->capture->mode == RELAXED) continue;
    if (stream->capture->mode == GLOBAL || stream->capture->thread == std::this_thread::get_id())
      return cannot_wait(*stream);
  }
  return SUCCESS;
}

void forget_streams(Context& context) {
  for (Stream* stream : streams_of(context)) {
    stream->capture.reset();
    abandon(*stream);
    if (stream != &context.legacy && stream != &context.per_thread) destroy<Stream>(stream);
  }
}

}  // namespace standin

using namespace standin;

// ---- streams --------------------------------------------------------------------------------------------------

API cuStreamCreateWithPriority(void** handle, unsigned flags, int) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  if (flags > 1) return INVALID_VALUE;
  auto* stream = new Stream{context, flags == 0, {}, {}, {}};
  alive<Stream>().insert(stream);
  *handle = stream;
  return SUCCESS;
}

API cuStreamCreate(void** stream, unsigned flags) { return cuStreamCreateWithPriority(stream, flags, 0); }

API cuStreamDestroy_v2(void* handle) {
  Lock lock;
  Stream* stream = find<Stream>(handle);
  if (!stream) return INVALID_HANDLE;
  Result result = stream->capture ? SUCCESS : finish(*stream);
  if (stream->capture) {
    stream->capture->invalid = true;
    stream->capture->streams.erase(stream);
  }
  abandon(*stream);
  destroy<Stream>(stream);
  return result;
}

API cuStreamSynchronize(void* handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  if (stream->capture) return cannot_wait(*stream);
  return finish(*stream);
}

API cuStreamQuery(void* handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  if (stream->capture) return cannot_wait(*stream);
  // Each look lets one piece of work end: who looks often enough sees the end.
  if (stream->queue.empty()) return state_of(*stream->context);
  Work work = std::move(stream->queue.front());
  stream->queue.pop_front();
  RETURN_IF_ERROR(perform(*stream->context, work));
  return NOT_READY;
}

API cuStreamGetPriority(void*, int* priority) {
  *priority = 0;
  return SUCCESS;
}

API cuStreamGetFlags(void* handle, unsigned* flags) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  *flags = stream->blocking ? 0 : 1;
  return SUCCESS;
}

API cuStreamGetCtx(void* handle, void** context) {
  Lock lock;
  Context* current;
  RETURN_IF_ERROR(usable(current));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  *context = stream->context;
  return SUCCESS;
}

API cuStreamAttachMemAsync(void*, DevicePointer, size_t, unsigned) { return SUCCESS; }

API cuLaunchHostFunc(void* handle, void (*function)(void*), void* data) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  return submit(*stream, Kind::Host, [=] {
    function(data);
    return SUCCESS;
  });
}

// ---- capture --------------------------------------------------------------------------------------------------

API cuStreamBeginCapture_v2(void* handle, int mode) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  if (mode < 0 || mode > 2) return INVALID_VALUE;
  if (stream == &stream->context->legacy) return STREAM_CAPTURE_UNSUPPORTED;
  if (stream->capture) return ILLEGAL_STATE;
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->mode = mode;
  stream->capture->thread = std::this_thread::get_id();
  stream->capture->streams = {stream};
  stream->clock.clear();
  return SUCCESS;
}

API cuStreamEndCapture(void* handle, void** graph) {
  Lock lock;
  constexpr int RELAXED = 2;
  *graph = nullptr;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  std::shared_ptr<Capture> capture = stream->capture;
  if (!capture) return ILLEGAL_STATE;
  if (capture->mode != RELAXED && capture->thread != std::this_thread::get_id())
    return invalidate(*capture, STREAM_CAPTURE_WRONG_THREAD);
  if (capture->origin != stream) return invalidate(*capture, STREAM_CAPTURE_UNMATCHED);

  // Work of the other streams has to come before something in this one.
  bool joined = true;
  for (Stream* other : capture->streams) joined &= stream->clock[other] == other->clock[other];
  for (Stream* other : capture->streams) {
    other->capture.reset();
    other->clock.clear();
  }
  if (capture->invalid) return STREAM_CAPTURE_INVALIDATED;
  if (!joined) return STREAM_CAPTURE_UNJOINED;
  auto* captured = new Graph(std::move(capture->graph));
  alive<Graph>().insert(captured);
  *graph = captured;
  return SUCCESS;
}

// Values of CUstreamCaptureStatus: none, active, invalidated.
API cuStreamIsCapturing(void* handle, int* status) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Stream* stream = stream_of(handle);
  if (!stream) return INVALID_HANDLE;
  *status = !stream->capture ? 0 : stream->capture->invalid ? 2 : 1;
  return SUCCESS;
}

API cuStreamGetCaptureInfo_v2(void* handle, int* status, unsigned long long* id, void** graph, void* const** nodes,
                              size_t* count) {
  if (int result = cuStreamIsCapturing(handle, status)) return result;
  Lock lock;
  Stream* stream = stream_of(handle);
  if (id) *id = reinterpret_cast<unsigned long long>(stream->capture.get());
  if (graph) *graph = stream->capture ? &stream->capture->graph : nullptr;
  if (nodes) *nodes = nullptr;
  if (count) *count = 0;
  return SUCCESS;
}

API cuThreadExchangeStreamCaptureMode(int* mode) {
  static thread_local int current = 0;
  std::swap(*mode, current);
  return SUCCESS;
}

// ---- graphs ---------------------------------------------------------------------------------------------------

API cuGraphInstantiateWithFlags(void** executable, void* handle, unsigned long long flags) {
  Lock lock;
  constexpr unsigned long long AUTO_FREE = 1, UPLOAD = 2, DEVICE_LAUNCH = 4, NODE_PRIORITY = 8;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Graph* graph = find<Graph>(handle);
  if (!graph) return INVALID_VALUE;
  if (flags & ~(AUTO_FREE | UPLOAD | DEVICE_LAUNCH | NODE_PRIORITY)) return INVALID_VALUE;
  if ((flags & AUTO_FREE) && (flags & DEVICE_LAUNCH)) return INVALID_VALUE;
  auto* instance = new Executable{*graph};
  alive<Executable>().insert(instance);
  *executable = instance;
  return SUCCESS;
}

API cuGraphLaunch(void* handle, void* stream_handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Executable* executable = find<Executable>(handle);
  Stream* stream = stream_of(stream_handle);
  if (!executable || !stream) return INVALID_HANDLE;
  return submit(*stream, Kind::Graph, [nodes = executable->graph.nodes, context = stream->context] {
    for (auto& node : nodes) RETURN_IF_ERROR(perform(*context, *node));
    return SUCCESS;
  });
}

API cuGraphUpload(void* handle, void*) {
  Lock lock;
  return find<Executable>(handle) ? SUCCESS : INVALID_HANDLE;
}

// Takes over the parameters of a graph of the same shape.
API cuGraphExecUpdate_v2(void* handle, void* graph_handle, void* information) {
  Lock lock;
  Executable* executable = find<Executable>(handle);
  Graph* graph = find<Graph>(graph_handle);
  if (!executable || !graph) return INVALID_VALUE;
  bool same = executable->graph.nodes.size() == graph->nodes.size();
  for (size_t i = 0; same && i < graph->nodes.size(); i++)
    same = executable->graph.nodes[i]->kind == graph->nodes[i]->kind;
  // CUgraphExecUpdateResultInfo begins with the result: 0 success, 2 the shape changed.
  if (information) *static_cast<int*>(information) = same ? 0 : 2;
  if (!same) return GRAPH_EXEC_UPDATE_FAILURE;
  executable->graph = *graph;
  return SUCCESS;
}

API cuGraphExecDestroy(void* handle) {
  Lock lock;
  return destroy<Executable>(handle);
}

API cuGraphDestroy(void* handle) {
  Lock lock;
  return destroy<Graph>(handle);
}

API cuGraphGetNodes(void* handle, void** nodes, size_t* count) {
  Lock lock;
  Graph* graph = find<Graph>(handle);
  if (!graph || !count) return INVALID_VALUE;
  if (!nodes) {
    *count = graph->nodes.size();
    return SUCCESS;
  }
  for (size_t i = 0; i < *count; i++) nodes[i] = i < graph->nodes.size() ? graph->nodes[i].get() : nullptr;
  if (*count > graph->nodes.size()) *count = graph->nodes.size();
  return SUCCESS;
}

API cuGraphNodeGetType(void* node, int* type) {
  if (!node) return INVALID_VALUE;
  *type = (int)static_cast<Work*>(node)->kind;
  return SUCCESS;
}

// ---- events ---------------------------------------------------------------------------------------------------

API cuEventCreate(void** handle, unsigned flags) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  auto* event = new Event{flags, {}, {}, {}};
  alive<Event>().insert(event);
  *handle = event;
  return SUCCESS;
}

API cuEventDestroy_v2(void* handle) {
  Lock lock;
  return destroy<Event>(handle);
}

API cuEventRecord(void* handle, void* stream_handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Event* event = find<Event>(handle);
  Stream* stream = stream_of(stream_handle);
  if (!event || !stream) return INVALID_HANDLE;
  if (stream->capture) {
    if (stream->capture->invalid) return STREAM_CAPTURE_INVALIDATED;
    event->record.reset();
    event->capture = stream->capture;
    event->clock = stream->clock;
    return SUCCESS;
  }
  auto record = std::make_shared<Record>();
  record->stream = stream;
  event->record = record;
  event->capture.reset();
  return submit(*stream, Kind::RecordEvent, [record] {
    record->seconds = now();
    record->done = true;
    return SUCCESS;
  });
}

API cuEventRecordWithFlags(void* event, void* stream, unsigned) { return cuEventRecord(event, stream); }

API cuStreamWaitEvent(void* stream_handle, void* handle, unsigned) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Event* event = find<Event>(handle);
  Stream* stream = stream_of(stream_handle);
  if (!event || !stream) return INVALID_HANDLE;
  if (std::shared_ptr<Capture> capture = event->capture.lock()) {
    if (stream->capture && stream->capture != capture) return invalidate(*stream->capture, STREAM_CAPTURE_MERGE);
    if (stream == &stream->context->legacy) return invalidate(*capture, STREAM_CAPTURE_IMPLICIT);
    if (!stream->capture) {  // the stream joins the capture
      stream->capture = capture;
      stream->clock.clear();
      capture->streams.insert(stream);
    }
    for (auto [other, work] : event->clock) {
      auto& known = stream->clock[other];
      if (work > known) known = work;
    }
    return SUCCESS;
  }
  if (!event->record) return SUCCESS;  // never recorded: nothing to wait for
  if (stream->capture) return invalidate(*stream->capture, STREAM_CAPTURE_ISOLATION);
  return submit(*stream, Kind::WaitEvent, [record = event->record] { return finish_until(*record); });
}

API cuEventQuery(void* handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Event* event = find<Event>(handle);
  if (!event) return INVALID_HANDLE;
  if (event->capture.lock()) return CAPTURED_EVENT;
  if (!event->record || event->record->done) return SUCCESS;
  cuStreamQuery(event->record->stream);
  return event->record->done ? SUCCESS : NOT_READY;
}

API cuEventSynchronize(void* handle) {
  Lock lock;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Event* event = find<Event>(handle);
  if (!event) return INVALID_HANDLE;
  if (event->capture.lock()) return CAPTURED_EVENT;
  return event->record ? finish_until(*event->record) : SUCCESS;
}

API cuEventElapsedTime_v2(float* milliseconds, void* from_handle, void* to_handle) {
  Lock lock;
  constexpr unsigned NO_TIMING = 2;
  Context* context;
  RETURN_IF_ERROR(usable(context));
  Event *from = find<Event>(from_handle), *to = find<Event>(to_handle);
  if (!from || !to || !from->record || !to->record || ((from->flags | to->flags) & NO_TIMING)) return INVALID_HANDLE;
  if (!from->record->done || !to->record->done) return NOT_READY;
  *milliseconds = (float)((to->record->seconds - from->record->seconds) * 1e3);
  return SUCCESS;
}

API cuEventElapsedTime(float* milliseconds, void* from, void* to) {
  return cuEventElapsedTime_v2(milliseconds, from, to);
}

#include "settings.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace cuda_on_host {
namespace {

// The variable's text; an empty one counts as not set.
const char* variable(const char* name) {
  const char* text = getenv((std::string("CUDA_STANDIN_") + name).c_str());
  return text && *text ? text : nullptr;
}

[[noreturn]] void refuse(const char* name, const char* text) {
  fprintf(stderr, "CUDA stand-in: CUDA_STANDIN_%s is '%s', which is not understood\n", name, text);
  abort();
}

unsigned long long number(const char* name, unsigned long long otherwise, int base = 0) {
  const char* text = variable(name);
  if (!text) return otherwise;
  char* end = nullptr;
  unsigned long long value = strtoull(text, &end, base);
  if (*end) refuse(name, text);
  return value;
}

size_t bytes(const char* name, size_t otherwise) {
  const char* text = variable(name);
  if (!text) return otherwise;
  char* end = nullptr;
  size_t value = strtoull(text, &end, 10);
  const char* units = "KMG";
  if (const char* unit = *end ? strchr(units, *end) : nullptr) {
    value <<= 10 * (unit - units + 1);
    end++;
  }
  if (*end) refuse(name, text);
  return value;
}

Settings::Fault fault_at(const char* name) {
  Settings::Fault fault;
  if (const char* text = variable(name)) {
    char* end = nullptr;
    fault.launch = strtoull(text, &end, 10);
    if (*end == '@') fault.device = (int)strtol(end + 1, &end, 10);
    if (*end) refuse(name, text);
  }
  return fault;
}

Settings read() {
  Settings s;
  s.workers = (unsigned)number("WORKERS", 0);
  if (!s.workers) s.workers = std::max(1u, std::thread::hardware_concurrency());
  s.seed = number("SEED", 0);

  s.copies = s.seed ? Copies::Random : Copies::Late;
  if (const char* text = variable("ASYNC")) {
    if (!strcmp(text, "late")) s.copies = Copies::Late;
    else if (!strcmp(text, "early")) s.copies = Copies::Early;
    else if (!strcmp(text, "random")) s.copies = Copies::Random;
    else refuse("ASYNC", text);
  }

  // A seed also varies the fill: NaN, 3.4e38, -1.7e38, 0. What is read before it is written then differs from run to
  // run even where a NaN would be hidden by a maximum.
  const unsigned char fills[] = {0xff, 0x7f, 0xfe, 0x00};
  s.fill = (unsigned char)number("POISON", fills[s.seed % 4], 16);

  const char* cores = variable("TENSOR_CORES");
  s.cut_sums = cores && !strcmp(cores, "cut");
  if (cores && !s.cut_sums && strcmp(cores, "exact")) refuse("TENSOR_CORES", cores);

  s.devices = (int)number("DEVICES", 1);
  if (s.devices > 16) refuse("DEVICES", variable("DEVICES"));
  s.memory = bytes("MEMORY", (size_t)8 << 30);
  s.major = 9;
  s.minor = 0;
  if (const char* text = variable("CAPABILITY"))
    if (sscanf(text, "%d.%d", &s.major, &s.minor) != 2) refuse("CAPABILITY", text);
  s.driver_version = (int)number("DRIVER_VERSION", 13000);
  const char* streams = variable("STREAMS");
  s.late_streams = streams && !strcmp(streams, "late");
  if (streams && !s.late_streams && strcmp(streams, "at-once")) refuse("STREAMS", streams);

  s.fail_launch = fault_at("FAIL_LAUNCH");
  s.lost = fault_at("LOST");
  s.interrupt = fault_at("INTERRUPT");
  if (const char* text = variable("REPORT")) s.report = text;
  return s;
}

}  // namespace

const Settings& settings() {
  static const Settings* s = new Settings(read());  // never destroyed: asked for until the process is gone
  return *s;
}

}  // namespace cuda_on_host

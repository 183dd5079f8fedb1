#include "mapping/serving/serving_config.hpp"

#include <algorithm>
#include <filesystem>

#include "mapping/serving/policy.hpp"
#include "mapping/serving/requests/request_source.hpp"
#include "models/base/named_file.hpp"

namespace bondsim::serving {
namespace {

/// The node of `section.key`, or the nearest one around it.
const ConfigNode& node_of(const ConfigNode& top, const std::string& section, const std::string& key) {
  const ConfigNode* inner = top.find(section);
  const ConfigNode* leaf = inner == nullptr ? nullptr : inner->find(key);
  return leaf != nullptr ? *leaf : inner != nullptr ? *inner : top;
}

void place_file(const ConfigNode& top, const std::string& key, bool used, std::string& file) {
  if (!used) return;
  const ConfigNode& node = node_of(top, "requests", key);
  if (file.empty()) config_error(node, "serving.requests." + key, "is missing, allowed: the name of a trace");
  // A value given on the command line is relative to the working directory.
  if (node.line > 0) file = (std::filesystem::path(directory_of(node)) / file).lexically_normal().string();
  require_readable(node, "serving.requests." + key, file, "a trace");
}

/// What moves or is shared lies in pages.
void require_pages(const ConfigNode& node, const ServingConfig& config) {
  const bool swaps = config.kv.preemption == KvPreemption::swap;
  const char* needs = config.kv.prefix_reuse ? "prefix_reuse" : swaps ? "preemption by swap" : nullptr;
  if (needs != nullptr && config.kv.addresses != KvAddresses::paged) {
    config_error(node_of(node, "kv", "addresses"), "serving.kv.addresses",
                 fmt::format("'consecutive' found; with {}, allowed: paged", needs));
  }
  if (swaps && config.speculation && config.speculation->draft == DraftKind::model) {
    config_error(node_of(node, "kv", "preemption"), "serving.kv.preemption",
                 "'swap' found; with drafts of a model, which has a cache of its own, allowed: recompute");
  }
  if (swaps && config.swap_pages() == 0) {
    config_error(node_of(node, "kv", "swap_tokens"), "serving.kv.swap_tokens",
                 fmt::format("{} found, allowed: at least a page of {} tokens", config.kv.swap_tokens, config.kv.page_tokens));
  }
}

}  // namespace

ServingConfig decode_serving(const ConfigNode& node) {
  auto config = decode_document<ServingConfig>(node, "serving", "bondsim.serving/1");
  RequestsConfig& r = config.requests;
  place_file(node, "file", r.source != TraceFormat::made, r.file);
  const bool lengths = r.source == TraceFormat::made && r.lengths == LengthKind::file;
  place_file(node, "lengths_file", lengths, r.lengths_file);
  if (lengths && r.lengths_format == TraceFormat::made) {
    config_error(node_of(node, "requests", "lengths_format"), "serving.requests.lengths_format",
                 "'made' found, allowed: the format of a trace");
  }
  if (r.source == TraceFormat::made && r.limit == 0) {
    config_error(node_of(node, "requests", "limit"), "serving.requests.limit",
                 "0 found; made requests do not end by themselves, allowed: from 1");
  }
  if (r.window_end_s > 0 && r.window_end_s <= r.window_begin_s) {
    config_error(node_of(node, "requests", "window_end_s"), "serving.requests.window_end_s",
                 fmt::format("{} found, allowed: after window_begin_s ({})", r.window_end_s, r.window_begin_s));
  }
  if (config.speculation) {
    SpeculationConfig& s = *config.speculation;
    resolve_speculation(*node.find("speculation"), "serving", s);
    const bool chain = std::all_of(s.width.begin(), s.width.end(), [](int width) { return width == 1; });
    if (!chain) config_error(node_of(node, "speculation", "width"), "serving.speculation.width", "a tree found, allowed: a chain");
    if (s.schedule == DraftSchedule::parallel) {
      config_error(node_of(node, "speculation", "schedule"), "serving.speculation.schedule", "'parallel' found, allowed: serial");
    }
  }
  if (config.pages() == 0) {
    config_error(node_of(node, "kv", "capacity_tokens"), "serving.kv.capacity_tokens",
                 fmt::format("{} found, allowed: at least a page of {} tokens", config.kv.capacity_tokens, config.kv.page_tokens));
  }
  if (!is_policy(config.batch.policy)) {
    config_error(node_of(node, "batch", "policy"), "serving.batch.policy",
                 fmt::format("'{}' is not known, allowed: {}", config.batch.policy, fmt::join(policy_names(), ", ")));
  }
  if (config.kv.prefix_reuse && prefix_block_tokens % config.kv.page_tokens != 0) {
    config_error(node_of(node, "kv", "page_tokens"), "serving.kv.page_tokens",
                 fmt::format("{} found; with prefix_reuse, allowed: divisors of {}", config.kv.page_tokens, prefix_block_tokens));
  }
  require_pages(node, config);
  return config;
}

}  // namespace bondsim::serving

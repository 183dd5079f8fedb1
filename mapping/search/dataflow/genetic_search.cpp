#include "mapping/search/dataflow/genetic_search.hpp"

#include <algorithm>

#include "mapping/search/dataflow/genetic_operators.hpp"

namespace bondsim::search {
namespace {

struct Individual {
  FoundDataflow dataflow;
  double fitness_s = 0;  ///< latency, made worse by what overflows
  bool fits = false;
};

Individual judged(const OperatorTable& table, FoundDataflow dataflow) {
  const SearchProblem& problem = table.problem();
  const std::vector<double> stored = stored_bytes(table, dataflow);
  double overflow = 0;
  for (int c = 0; c <= table.nmp_channels(); ++c) {
    const double capacity = problem.channel_capacity_bytes * (c == table.nmp_channels() ? problem.device.normal_channels : 1);
    overflow += std::max(0.0, stored[static_cast<std::size_t>(c)] - capacity);
  }
  const double latency_s = evaluate(table, dataflow).total_s();
  return {std::move(dataflow), latency_s * (1 + 100 * overflow / table.total_bytes()), overflow == 0};
}

const Individual& winner(const std::vector<Individual>& population, GeneticOperators& operators) {
  const Individual& a = population[static_cast<std::size_t>(operators.pick(static_cast<int>(population.size())))];
  const Individual& b = population[static_cast<std::size_t>(operators.pick(static_cast<int>(population.size())))];
  return a.fitness_s <= b.fitness_s ? a : b;
}

bool better(const Individual& a, const Individual& b) { return a.fitness_s < b.fitness_s; }

}  // namespace

SearchResult search_genetically(const OperatorTable& table, const GeneticOptions& options) {
  check(options.population >= 2 && options.generations >= 0, "population {}, generations {}", options.population, options.generations);
  GeneticOperators operators(table, options.seed);
  const auto size = static_cast<std::size_t>(options.population);
  std::vector<Individual> population;
  for (const FoundDataflow& dataflow : options.start) population.push_back(judged(table, dataflow));
  while (population.size() < size) population.push_back(judged(table, operators.random_dataflow()));
  for (int generation = 0; generation < options.generations; ++generation) {
    std::vector<Individual> children;
    while (children.size() < size) {
      FoundDataflow child = winner(population, operators).dataflow;
      if (operators.pick(2) == 0) child = operators.crossed(child, winner(population, operators).dataflow);
      children.push_back(judged(table, operators.mutated(child)));
    }
    // The best of both survive, in an order that does not depend on the sort.
    population.insert(population.end(), children.begin(), children.end());
    std::stable_sort(population.begin(), population.end(), better);
    population.resize(size);
  }
  const auto fitting = std::find_if(population.begin(), population.end(), [](const Individual& i) { return i.fits; });
  if (fitting == population.end()) throw InfeasibleError("the genetic search found no dataflow whose operands fit the channels");
  SearchResult result;
  result.dataflow = fitting->dataflow;
  result.latency = evaluate(table, result.dataflow);
  return result;
}

}  // namespace bondsim::search

using System.Globalization;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using VectorEngine.Kernels;

namespace VectorEngine.Benchmarks;

/// <summary>
/// One row per kernel, one column per instruction set: the median nanoseconds of one operation and, in brackets, the least.
/// </summary>
internal sealed class InstructionSetExporter : ExporterBase
{
    protected override string FileExtension => "md";

    protected override string FileNameSuffix => "-by-set";

    public override void ExportToLog(Summary summary, ILogger logger)
    {
        logger.WriteLine($"| ns per operation | {string.Join(" | ", InstructionSets.Supported)} |");
        logger.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", InstructionSets.Supported.Count))}");
        IEnumerable<IGrouping<string, BenchmarkReport>> kernels = summary.Reports
            .Where(report => report.BenchmarkCase.Parameters[nameof(KernelBenchmarks.Set)] is not null)
            .OrderBy(report => report.BenchmarkCase.Descriptor.Type.Name, StringComparer.Ordinal)
            .GroupBy(report => report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo);
        foreach (IGrouping<string, BenchmarkReport> kernel in kernels)
        {
            IEnumerable<string> cells = InstructionSets.Supported.Select(set => Cell(kernel, set));
            logger.WriteLine($"| {kernel.Key.Trim('\'')} | {string.Join(" | ", cells)} |");
        }
    }

    private static string Cell(IEnumerable<BenchmarkReport> kernel, InstructionSet set)
    {
        BenchmarkReport? report = kernel.FirstOrDefault(
            report => set.Equals(report.BenchmarkCase.Parameters[nameof(KernelBenchmarks.Set)]));
        return report?.ResultStatistics is { } times
            ? string.Create(CultureInfo.InvariantCulture, $"{times.Median:0.00} ({times.Min:0.00})")
            : "-";
    }
}

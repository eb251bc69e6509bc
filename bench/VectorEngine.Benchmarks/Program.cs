using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using VectorEngine.Benchmarks;

// In process: the default toolchain builds a project per benchmark, 100 s each. Iterations of 100 ms, so that the whole set takes minutes.
Job job = Job.Default
    .WithToolchain(InProcessEmitToolchain.Instance)
    .WithIterationTime(TimeInterval.FromMilliseconds(100))
    .WithWarmupCount(5)
    .WithIterationCount(21);
IConfig config = ManualConfig.CreateEmpty()
    .AddJob(job)
    .AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params)
    .AddColumn(StatisticColumn.Median, StatisticColumn.Min)
    .AddExporter(new InstructionSetExporter())
    .AddLogger(ConsoleLogger.Default)
    .WithOptions(ConfigOptions.JoinSummary);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);

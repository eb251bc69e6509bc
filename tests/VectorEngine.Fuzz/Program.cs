using System.CommandLine;
using VectorEngine.Fuzz.Corruption;
using VectorEngine.Fuzz.Kill;

var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Decides everything.", Recursive = true };
var jobs = new Option<int>("--jobs")
{
    DefaultValueFactory = _ => Environment.ProcessorCount,
    Description = "Processes at a time.",
    Recursive = true,
};
var cases = new Option<int>("--cases") { DefaultValueFactory = _ => 2000, Description = "Number of damaged indexes." };
var single = new Option<int?>("--case") { Description = "Repeats one case, in this process." };
var root = new RootCommand("Damages indexes and uses them: nothing but a typed exception may come of it.") { seed, jobs, cases, single };
root.SetAction(async (result, _) => result.GetValue(single) is { } number
    ? await FuzzWorker.RepeatAsync(result.GetValue(seed), number)
    : await new FuzzRun(result.GetValue(seed), result.GetValue(cases), result.GetValue(jobs)).RunAsync());

var from = new Option<int>("--from");
var to = new Option<int>("--to");
var work = new Command("work", "Runs cases: started by the program itself.") { from, to };
work.Hidden = true;
work.SetAction(async (result, _) => await FuzzWorker.RunAsync(
    result.GetValue(seed), result.GetValue(from), result.GetValue(to), result.GetValue(jobs)));
root.Add(work);

var kills = new Option<int>("--kills") { DefaultValueFactory = _ => 10, Description = "Number of builds, at any time and within phases." };
var count = new Option<int>("--count") { DefaultValueFactory = _ => 20_000, Description = "Vectors of each." };
var dimensions = new Option<int>("--dimensions") { DefaultValueFactory = _ => 64, Description = "Of the vectors." };
var kill = new Command("kill", "Kills builds and users of a disk cache, and looks at what is left.") { kills, count, dimensions };
kill.SetAction(async (result, _) =>
    await new CacheKillRun(result.GetValue(seed), result.GetValue(kills)).RunAsync()
    + await new KillRun(result.GetValue(seed), result.GetValue(kills), result.GetValue(count), result.GetValue(dimensions)).RunAsync());
root.Add(kill);

var folder = new Option<string>("--folder") { Required = true };
var version = new Option<int>("--version");
var build = new Command("build", "Builds a version: started by the program itself.") { folder, count, dimensions, version };
build.Hidden = true;
build.SetAction(async (result, _) => await KillWorker.RunAsync(
    new BuildJob(result.GetRequiredValue(folder), result.GetValue(count), result.GetValue(dimensions)), result.GetValue(version)));
root.Add(build);

var cache = new Command("cache", "Uses a disk cache for ever: started by the program itself.") { folder };
cache.Hidden = true;
cache.SetAction((result, _) => Task.FromResult(CacheWorker.Run(result.GetRequiredValue(folder))));
root.Add(cache);
return await root.Parse(args).InvokeAsync();

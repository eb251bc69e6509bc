using System.CommandLine;
using Spectre.Console;
using VectorEngine.ColdBench;

if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 120;
var command = new RootCommand("Measures indexes whose store is far away.")
{
    BuildCommand.Create(), ColdCommand.Create(), WarmCommand.Create(), MemoryCommand.Create(), DelayProxy.CreateCommand(),
    Trial.CreateCommand(), PeerCommands.CreateBuild(), PeerCommands.CreateQuery(), PeerCommands.CreateRecall(), PointReads.Create(),
};
return await command.Parse(args).InvokeAsync();

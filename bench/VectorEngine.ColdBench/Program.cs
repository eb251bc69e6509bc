using System.CommandLine;
using VectorEngine.ColdBench;

var command = new RootCommand("Measures indexes whose store is far away.")
{
    BuildCommand.Create(), UploadCommand.Create(), ColdCommand.Create(), WarmCommand.Create(), MemoryCommand.Create(),
    DelayProxy.CreateCommand(), Trial.CreateCommand(),
};
return await command.Parse(args).InvokeAsync();
